#!/bin/sh
# tools/sim.sh BUILD SEEDS: simulate that many seeds, drawn anew each time, on all processors, and
# those of tests/sim/seeds.txt. A seed that fails names itself and how to run it again.
set -eu
build=$1
seeds=$2
jobs=$(nproc)
base=$(date +%s)000000
share=$(((seeds + jobs - 1) / jobs))
pids=
i=0
while [ "$i" -lt "$jobs" ]; do
    first=$((base + i * share))
    "$build/tests/sim/sim" "$first" $((first + share - 1)) &
    pids="$pids $!"
    i=$((i + 1))
done
status=0
for pid in $pids; do
    wait "$pid" || status=1
done
exit $status
