#!/bin/sh
# Makes sure that the Debian packages for a goal are there: deps.sh build|test|dev.
# As root, or with YES=1, it installs what is missing; otherwise it shows the one command and asks.
# Why each is needed: CONTRIBUTING.md, "What Skald stands on".
set -eu

build="gcc libc6-dev meson ninja-build pkg-config python3 python3-pip
protobuf-compiler libprotobuf-dev protobuf-c-compiler libprotobuf-c-dev
libuv1-dev libnghttp2-dev libssl-dev libhttp-parser-dev libsqlite3-dev libdeflate-dev
libjansson-dev libyaml-dev libxxhash-dev uthash-dev"
test="$build libcmocka-dev python3-venv chromium curl"
dev="$test clang libclang-rt-dev clang-format clang-tidy gcovr"

case "${1:-build}" in
build) wanted=$build ;;
test) wanted=$test ;;
dev) wanted=$dev ;;
*) echo "usage: $0 build|test|dev" >&2; exit 2 ;;
esac

command -v dpkg-query >/dev/null || exit 0 # not Debian: meson says what is missing

missing=
have=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii //p')
for package in $wanted; do
    echo "$have" | grep -qxF "$package" || missing="$missing $package"
done
# A tool from elsewhere serves as well as its package.
for pair in gcc:cc meson:meson ninja-build:ninja pkg-config:pkg-config python3:python3 \
    chromium:${CHROMIUM:-chromium} curl:curl; do
    if command -v "${pair#*:}" >/dev/null; then
        missing=$(echo " $missing " | sed "s/ ${pair%:*} / /")
    fi
done
if python3 -m pip --version >/dev/null 2>&1; then
    missing=$(echo " $missing " | sed "s/ python3-pip / /")
fi
if python3 -m ensurepip --version >/dev/null 2>&1; then
    missing=$(echo " $missing " | sed "s/ python3-venv / /")
fi
missing=$(echo $missing)
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends $missing"
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null; then
    sudo=sudo
else
    echo "Skald needs packages that are missing. As root: apt-get update && $install" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ] && [ "${YES:-}" != 1 ]; then
    echo "Skald needs packages that are missing. This would run:"
    echo "  sudo apt-get update && sudo $install"
    if [ ! -t 0 ]; then
        echo "Run it, or make with YES=1." >&2
        exit 1
    fi
    printf 'Run it now? [y/N] '
    read -r answer
    case "$answer" in
    y | Y | yes) ;;
    *) exit 1 ;;
    esac
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q
$sudo $install
