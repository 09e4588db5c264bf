#!/bin/sh
# Coverage of the web UI's sources, by its unit tests and by the browser tests together, under 85 % a
# failure: ui_coverage.sh FOLDER. The report is FOLDER/ui-coverage.txt. The program is $SKALD or
# build/skald, whose UI must be the one of ui/.
set -eu
cd "$(dirname "$0")/.."
least=85
folder=$(mkdir -p "$1" && cd "$1" && pwd)

dist=$(python3 tools/ui_assets.py --where)
python3 tools/ui_assets.py --packages
rm -rf "$folder/ui-unit" "$folder/ui-browser"
tools/node.sh npm --prefix ui run --silent coverage -- --coverage.reportsDirectory="$folder/ui-unit"
tests/browser/run.sh --coverage "$folder/ui-browser"
tools/node.sh node ui/build/coverage.mjs "$folder/ui-unit/coverage-final.json" "$dist" \
    "$folder/ui-browser" "$folder/ui-coverage.txt" "$least"
