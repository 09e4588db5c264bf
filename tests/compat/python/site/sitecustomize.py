"""What every Python program of the tests loads at its start.

The Python SDK's native threads may still be letting go of an answer when the program ends, and then they take the
interpreter down while it is torn down (sdk-python issue 300: SIGABRT, or SIGSEGV without a word). So a program that
has loaded the SDK leaves only once its other threads have stood still for a moment.
"""

import atexit
import os
import pathlib
import sys
import time

STILL_LOOKS = 5
PAUSE_SECONDS = 0.01
PATIENCE_SECONDS = 5


def busy_threads():
    me = os.getpid()
    states = []
    for task in pathlib.Path("/proc/self/task").iterdir():
        try:
            if int(task.name) != me:
                states.append((task / "stat").read_text().rpartition(")")[2].split()[0])
        except OSError:
            continue  # it has ended
    return any(state != "S" for state in states)


def settle():
    if "temporalio" not in sys.modules:
        return
    still = 0
    end = time.monotonic() + PATIENCE_SECONDS
    while still < STILL_LOOKS and time.monotonic() < end:
        time.sleep(PAUSE_SECONDS)  # lets go of the interpreter: a thread that waits for it goes on
        still = 0 if busy_threads() else still + 1


atexit.register(settle)
