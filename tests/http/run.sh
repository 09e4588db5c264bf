#!/bin/sh
# The HTTP API's tests, as `make test` runs them; see run.py.
exec python3 -B "$(dirname "$0")/run.py" "$@"
