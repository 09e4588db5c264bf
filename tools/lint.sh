#!/bin/sh
# clang-tidy over the C sources of a build folder, and each header compiled alone.
set -eu
build=$1
status=0
for header in $(git ls-files 'src/*.h'); do
    case "$header" in *_internal.h | *banned.h) continue ;; esac
    if ! cc -std=gnu17 -D_GNU_SOURCE= -Ulinux -fsyntax-only -Wall -Isrc -isystem "$build/proto/api" \
        -x c "$header" 2>"$build/header.log"; then
        echo "$header does not compile alone:"
        cat "$build/header.log"
        status=1
    fi
done
if command -v clang-tidy >/dev/null; then
    git ls-files 'src/*.c' | xargs -P "$(nproc)" -n 4 clang-tidy -quiet -p "$build" 2>/dev/null |
        grep -E 'warning:|error:' && status=1
else
    echo "clang-tidy is not installed: skipped (tools/deps.sh dev)"
fi
exit $status
