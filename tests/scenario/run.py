"""Runs the scenario tests: run.py [-k PATTERN]."""

import pathlib
import sys

from run_unittest import run

if __name__ == "__main__":
    sys.exit(run(pathlib.Path(__file__).resolve().parent, sys.argv[1:], sys.stdout))
