"""Runs a folder's test_*.py and prints one line for each, then the counts that tools/test.py reads."""

import unittest


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"SKIP: {test.id()}: {reason}", flush=True)


def run(folder, args, stream):
    loader = unittest.TestLoader()
    if len(args) > 1 and args[0] == "-k":
        loader.testNamePatterns = [f"*{args[1]}*"]
    suite = loader.discover(str(folder), pattern="test_*.py")
    result = unittest.TextTestRunner(stream=stream, verbosity=2, resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    return 1 if failed or not result.passed else 0
