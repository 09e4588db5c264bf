#!/bin/sh
# The tests with the published SDKs, as `make test` runs them; see run.py.
exec python3 "$(dirname "$0")/run.py" "$@"
