#!/usr/bin/env python3
"""The web UI's types and unit tests, as `make test` runs them; by hand: `npm run check`, `npm test` in ui/.

Prints the names of what fails, and last "N passed, N failed, N skipped". Without Node or its packages it
is one skipped test, with the reason.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NO_NODE = 69
SECONDS = 600


def npm(*args):
    command = [ROOT / "tools" / "node.sh", "npm", "--prefix", ROOT / "ui", *args]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS)


def unit_tests():
    """(passed, failed, skipped) of vitest."""
    with tempfile.TemporaryDirectory(prefix="skald-ui-") as folder:
        report = pathlib.Path(folder) / "report.json"
        done = npm("test", "--", "--reporter=json", f"--outputFile={report}")
        if not report.exists():
            print(done.stdout)
            return 0, 1, 0
        tests = json.loads(report.read_text())
    for file in tests["testResults"]:
        name = pathlib.Path(file["name"]).relative_to(ROOT)
        if file["status"] == "failed" and not file["assertionResults"]:
            print(f"not ok {name} # {file['message']}")
        for case in file["assertionResults"]:
            if case["status"] == "failed":
                print(f"not ok {name}: {case['fullName']} # {' '.join(case['failureMessages'])[:600]}")
            elif case["status"] in ("pending", "skipped", "todo"):
                print(f"SKIP {name}: {case['fullName']}")
    failed = tests["numFailedTests"]
    if done.returncode and not failed:  # a file that does not load has no tests that could fail
        failed = tests["numFailedTestSuites"] or 1
    return tests["numPassedTests"], failed, tests["numPendingTests"] + tests["numTodoTests"]


def main():
    prepared = subprocess.run([sys.executable, ROOT / "tools" / "ui_assets.py", "--packages"],
                              stderr=subprocess.PIPE, text=True)
    if prepared.returncode == NO_NODE:
        print(f"SKIP ui: {prepared.stderr.strip().splitlines()[-1]}\n0 passed, 0 failed, 1 skipped")
        return 0
    if prepared.returncode:
        print(prepared.stderr)
        return 1
    types = npm("run", "--silent", "check")
    if types.returncode:
        print(f"not ok ui, types\n{types.stdout}")
    passed, failed, skipped = unit_tests()
    passed += types.returncode == 0
    failed += types.returncode != 0
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
