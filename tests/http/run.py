"""Runs this folder's tests: run.py [-k PATTERN]. Prints one line a test, then the counts that tools/test.py reads.

The packages of requirements.txt come from PyPI, into the cache that tests/compat has; without them all is skipped.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "compat"), str(HERE.parent / "scenario")]

import toolchains  # noqa: E402
from run_unittest import run  # noqa: E402


def main():
    try:
        packages = toolchains.pip(*toolchains.requirements(HERE / "requirements.txt"))
    except toolchains.Missing as why:
        print(f"SKIP: the HTTP API: {why}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    sys.path.insert(0, str(packages))
    return run(HERE, sys.argv[1:], sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
