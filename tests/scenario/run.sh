#!/bin/sh
# The real program, from outside: run.sh [-k PATTERN]. SKALD names the binary.
cd "$(dirname "$0")"
exec python3 -B run.py "$@"
