#!/bin/sh
# make bench, make bench-check: see bench.py.
exec python3 "$(dirname "$0")/bench.py" "$@"
