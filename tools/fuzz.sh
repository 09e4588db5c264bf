#!/bin/sh
# Each libFuzzer target of a build for some seconds: fuzz.sh <build folder> <seconds>.
# What is found stays in <build folder>/found; new inputs in <build folder>/corpus.
set -eu
build=$1
seconds=$2
status=0
for program in "$build"/tests/fuzz/fuzz-*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=${program##*/fuzz-}
    mkdir -p "$build/corpus/$name" "$build/found"
    echo "== $name, $seconds s"
    "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/found/$name-" "$build/corpus/$name" "tests/fuzz/corpus/$name" \
        2>"$build/found/$name.log" || status=1
    tail -n 6 "$build/found/$name.log"
done
exit $status
