"""The program as the scenarios see it: a binary, its output, its ports.

Nothing here sleeps for a fixed time: `until` polls a condition and gives up after LIMIT seconds,
which are many, since the machine may be busy.
"""

import http.client
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

SKALD = os.environ.get("SKALD", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "skald"))
ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 240


def clean_environment(**extra):
    """The environment without what would configure Skald."""
    drop = ("SKALD_", "XDG_", "STATE_DIRECTORY", "NO_COLOR")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(drop)}, **extra}


def skald(*args, **extra):
    """Run to the end: (exit code, standard output, standard error)."""
    done = subprocess.run([SKALD, *map(str, args)], capture_output=True, text=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL, env=clean_environment(**extra))
    return done.returncode, done.stdout, done.stderr


def until(what, condition):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"after {LIMIT} s still not so: {what}")


class Server:
    """A server on free ports; `serving` is its first log line, with the ports."""

    def __init__(self, *args, command="start", wait=True, program=SKALD, **extra):
        args = ["server", command, *map(str, args)]
        for flag in ("--port", "--ui-port"):
            if not any(a == flag or a.startswith(flag + "=") for a in args):
                args += [flag, "0"]
        if not any(a.startswith("--log-level") for a in args):
            args += ["--log-level", "info"]
        args += ["--log-format", "json"]
        self.process = subprocess.Popen([program, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=clean_environment(**extra))
        self.log, self.screen, self.errors = [], [], []
        self.lines = queue.Queue()
        self.readers = [threading.Thread(target=self._read_log, daemon=True),
                        threading.Thread(target=self._read_screen, daemon=True)]
        for reader in self.readers:
            reader.start()
        self.serving = self.wait_for("serving") if wait else None

    def _read_log(self):
        for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.errors.append(line)

    def _read_screen(self):
        for line in self.process.stdout:
            self.screen.append(line)

    def wait_for(self, message):
        def found():
            for entry in list(self.log):
                if entry.get("message") == message:
                    return entry
            if self.process.poll() is not None:
                raise AssertionError(f"exit {self.process.returncode}: {''.join(self.errors)}")
            return None
        return until(f"the log says {message}", found)

    @property
    def port(self):
        return self.serving["port"]

    @property
    def ui_port(self):
        return self.serving["ui_port"]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def get(self, path, host=None, port=None, method="GET", ip="127.0.0.1", **headers):
        connection = http.client.HTTPConnection(ip, port or self.ui_port, timeout=LIMIT)
        try:
            connection.putrequest(method, path, skip_host=host is not None)
            if host is not None:
                connection.putheader("Host", host)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def stop(self, signum=signal.SIGTERM):
        """Send the signal and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        try:
            self.process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not stop") from None
        for reader in self.readers:
            reader.join(timeout=LIMIT)
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.process.stdout.closed:
            self.stop(signal.SIGKILL)


class Case(unittest.TestCase):
    """Each test has a folder of its own, self.folder."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skald-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *args, **kwargs):
        if kwargs.get("command", "start") == "start" and not any(str(a).startswith(("--data-dir", "--store")) for a in args):
            args = (*args, "--data-dir", self.folder / "data")
        server = Server(*args, **kwargs)
        self.addCleanup(server.__exit__)
        return server

    def refuse(self, *args, code=2, **extra):
        """The command fails with this code; what it says on standard error."""
        got, out, err = skald(*args, **extra)
        self.assertEqual((got, out), (code, ""), err)
        return err
