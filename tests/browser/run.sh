#!/bin/sh
# The web UI's tests in a real browser, as `make test` runs them; see run.py.
exec python3 "$(dirname "$0")/run.py" "$@"
