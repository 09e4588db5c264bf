#!/usr/bin/env python3
"""Runs the tests of the web UI in Chromium against servers of their own.

    run.py [FILE...] [--only REGEX] [--coverage FOLDER]
    run.py --program PROGRAM [ARGUMENT...]

FILE: such as `list` for list.test.ts; default all. PROGRAM: another program of this folder, such as
screenshots.ts, run with what the tests have. SKALD names the server's program (default
build/skald), CHROMIUM the browser's. Packages come from npm, by the lock file, into a cache outside
the tree. A failed test leaves a picture in build/browser-failures.

Prints "ok FILE: NAME" or "not ok FILE: NAME # why" for each test, "SKIP NAME: why" for what cannot
run here, and last "N passed, N failed, N skipped". The results also go to build/browser-results.txt,
which tools/ui_table.py reads.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "compat"))

import toolchains  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FILES_AT_ONCE = 2
FILE_SECONDS = 1800  # tests have limits of their own


class Results:
    def __init__(self):
        self.lines = []

    def add(self, outcome, name, why=""):
        self.lines.append((outcome, name))
        mark = {"pass": "ok", "fail": "not ok", "skip": "SKIP"}[outcome]
        print(f"{mark} {name}" + (f"{':' if outcome == 'skip' else ' #'} {why}" if why else ""), flush=True)

    def count(self, outcome):
        return sum(line[0] == outcome for line in self.lines)


def browser():
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise toolchains.Missing("no Chromium: install Debian's package `chromium`, or name one in CHROMIUM")
    return found


def skald():
    program = os.environ.get("SKALD") or str(ROOT / "build" / "skald")
    if not os.access(program, os.X_OK):
        raise toolchains.Missing(f"{program} is not built")
    return str(pathlib.Path(program).resolve())


def environment():
    return toolchains.node_env() | {"SKALD": skald(), "CHROMIUM": browser()}


def program(args):
    """Runs a program beside the tests; its exit code."""
    with tempfile.TemporaryDirectory(prefix="skald-browser-") as folder:
        try:
            env = environment()
            project = prepare(pathlib.Path(folder), env)
        except toolchains.Missing as err:
            sys.exit(f"{args[0]}: {err}")
        paths = [str(ROOT / arg) if "/" in arg else arg for arg in args[1:]]
        return subprocess.run(["node", "--import", "tsx", args[0], *paths], cwd=project, env=env).returncode


def prepare(folder, env):
    """A copy of the tests with their packages beside them."""
    packages = toolchains.node_packages(HERE, env)
    project = toolchains.refresh(HERE, folder / "browser")
    (project / "node_modules").symlink_to(packages / "node_modules")
    bundle = folder / "workflows.js"
    toolchains.run(["node", "--import", "tsx", "bundle.ts", bundle], cwd=project, env=env)
    env["BROWSER_BUNDLE"] = str(bundle)
    return project


def chosen(files):
    have = sorted(path.name for path in HERE.glob("*.test.ts"))
    wanted = [f"{name.removesuffix('.test.ts')}.test.ts" for name in files] or have
    unknown = [name for name in wanted if name not in have]
    if unknown:
        sys.exit(f"there is no {', '.join(unknown)}; there are {', '.join(have)}")
    return wanted


def follow(results, project, env, options):
    command = ["nice", "node", "--import", "tsx", "--test", f"--test-timeout={FILE_SECONDS * 1000}"]
    command += [f"--test-concurrency={FILES_AT_ONCE}", "--test-reporter=./lib/reporter.mjs"]
    command += ["--test-reporter-destination=stdout"]
    command += [f"--test-name-pattern={options.only}"] if options.only else []
    with subprocess.Popen(command + chosen(options.files), cwd=project, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            if line.startswith("ok "):
                results.add("pass", line[3:].strip())
            elif line.startswith("not ok "):
                results.add("fail", *map(str.strip, line[7:].partition(" # ")[::2]))
            elif line.startswith("SKIP "):
                results.add("skip", *map(str.strip, line[5:].partition(": ")[::2]))
            else:
                print(line, end="", flush=True)
    if process.returncode and not results.count("fail"):
        results.add("fail", "the test runner", f"exit {process.returncode}")


def check_table(results):
    """Whether docs/ui.md says what these results say; of a run with failures it cannot."""
    if results.count("pass") == len(results.lines):
        stale = subprocess.run([sys.executable, ROOT / "tools" / "ui_table.py", "--check"], capture_output=True, text=True)
        results.add("fail" if stale.returncode else "pass", "docs: the table of actions says what the tests prove",
                    stale.stderr.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--only", help="regular expression over the tests' names")
    parser.add_argument("--coverage", type=pathlib.Path, help="where V8's coverage goes")
    parser.add_argument("--program", nargs=argparse.REMAINDER, help="run this instead of the tests")
    options = parser.parse_args()
    if options.program:
        return program(options.program)
    results = Results()
    build = ROOT / "build"
    failures = build / "browser-failures"
    shutil.rmtree(failures, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="skald-browser-") as folder:
        try:
            env = environment() | {"BROWSER_FAILURES": str(failures)}
            if options.coverage:
                env["BROWSER_COVERAGE"] = str(options.coverage.resolve())
            follow(results, prepare(pathlib.Path(folder), env), env, options)
        except toolchains.Missing as err:
            results.add("skip", "all", str(err))
    build.mkdir(exist_ok=True)
    lines = "".join(f"{outcome} {name}\n" for outcome, name in results.lines)
    if not options.files and not options.only:  # the table of actions wants them all
        (build / "browser-results.txt").write_text(lines)
        check_table(results)
    passed, failed, skipped = (results.count(outcome) for outcome in ("pass", "fail", "skip"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
