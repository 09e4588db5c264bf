#!/usr/bin/env python3
"""Runs every test and prints one summary line: `make test`.

Stages: the checks of the sources, the unit tests of the normal build, the same with sanitizers, and
the suites that run a real server (each a program of its own, see SUITES). A suite's last line of the
form "N passed, N failed, N skipped" is its count; lines that start with "SKIP" are repeated at the
end. What cannot run here is counted and named, never passed over.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ["tools/ui_test.py", "tests/scenario/run.sh", "tests/http/run.sh", "tests/compat/run.sh", "tests/browser/run.sh"]
SUITE_SECONDS = 40 * 60  # then it hangs
COUNT = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
CASE_OK = re.compile(r"^\[ +OK \]", re.M)
CASES_FAILED = re.compile(r"^ ?(\d+) FAILED TEST", re.M)


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures, self.skips = [], []

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def say(text):
    print(f"\n== {text}", flush=True)


def check(totals, title, command):
    say(title)
    if subprocess.run(command, cwd=ROOT).returncode == 0:
        totals.add(1, 0, 0)
    else:
        totals.add(0, 1, 0)
        totals.failures.append(title)


def meson(totals, build):
    """Unit tests of one build; a cmocka program counts each of its cases."""
    say(f"unit tests, {build}")
    if subprocess.run(["ninja", "-C", build], cwd=ROOT).returncode != 0:
        totals.add(0, 1, 0)
        totals.failures.append(f"{build} does not build")
        return
    log = ROOT / build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs",
                    "--timeout-multiplier", "3"], cwd=ROOT)
    if not log.exists():
        totals.add(0, 1, 0)
        totals.failures.append(f"{build}: no test ran")
        return
    for line in log.read_text().splitlines():
        test = json.loads(line)
        output = (test.get("stdout") or "") + (test.get("stderr") or "")
        name = f"{build}: {test['name']}"
        if test["result"] == "SKIP":
            totals.add(0, 0, 1)
            totals.skips.append(name)
        elif test["result"] == "OK":
            totals.add(len(CASE_OK.findall(output)) or 1, 0, 0)
        else:
            failed = CASES_FAILED.search(output)
            totals.add(len(CASE_OK.findall(output)), int(failed.group(1)) if failed else 1, 0)
            totals.failures.append(f"{name} ({test['result'].lower()})")


def suite(totals, script):
    say(script)
    environment = dict(os.environ, SKALD=str(ROOT / "build" / "skald"))
    count = None
    with subprocess.Popen([ROOT / script], cwd=ROOT, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as process:
        alarm = threading.Timer(SUITE_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        alarm.start()
        for line in process.stdout:
            match = COUNT.match(line.strip())
            if match:
                count = [int(n) for n in match.groups()]
                continue  # the summary's form stands once in the output, at its end
            print(line, end="", flush=True)
            if line.startswith("SKIP"):
                totals.skips.append(f"{script}: {line[4:].strip(' :')}")
        process.wait()
        alarm.cancel()
    passed, failed, skipped = count or (0, 0, 0)
    if process.returncode != 0 and not failed:
        failed = 1  # it ended before it could count
    totals.add(passed, failed, skipped)
    print(f"{script}: {passed} passed, {failed} failed, {skipped} skipped")
    if failed:
        totals.failures.append(script)


def main():
    start = time.monotonic()
    totals = Totals()
    check(totals, "layers", [sys.executable, "tools/check_layers.py"])
    check(totals, "lengths and banned calls", [sys.executable, "tools/tidy.py"])
    meson(totals, "build")
    meson(totals, "build-asan")
    for script in SUITES:
        if (ROOT / script).exists():
            suite(totals, script)
    say(f"done in {time.monotonic() - start:.0f} s")
    for name in totals.skips:
        print(f"skipped: {name}")
    for name in totals.failures:
        print(f"failed: {name}")
    summary = f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped"
    if os.environ.get("TEST_SUMMARY"):  # .ci/run prints it last
        pathlib.Path(os.environ["TEST_SUMMARY"]).write_text(summary + "\n")
    else:
        print(summary)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
