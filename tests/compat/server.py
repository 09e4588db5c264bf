"""A server under test: started on free ports with a folder of its own, killed and restarted by port."""

import os
import pathlib
import random
import shlex
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_SECONDS = 120
STOP_SECONDS = 60
ATTRIBUTES = ["CompatKeyword=Keyword", "CompatInt=Int", "CompatText=Text"]


def command():
    """COMPAT_SERVER_CMD if set (another server, for comparison), else the built skald."""
    binary = os.environ.get("SKALD_BIN") or os.environ.get("SKALD") or str(ROOT / "build" / "skald")
    return shlex.split(os.environ.get("COMPAT_SERVER_CMD") or shlex.quote(binary) + " server start-dev")


def free_ports(count):
    """Below those that the kernel gives to clients: one that tries again while the server is away could get its port."""
    try:
        end = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        end = 32768
    sockets = []
    while len(sockets) < count:
        try:
            sockets.append(socket.create_server(("127.0.0.1", random.randrange(10000, max(end, 20000)))))
        except OSError:
            pass  # somebody's
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Server:
    """One server process. Its state is a file, so that a restart finds what the process before it left."""

    def __init__(self, folder, extra=(), headless=True):
        self.folder = pathlib.Path(folder)
        self.port, ui, http = free_ports(3)
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.folder / "server.log"
        self.args = command() + ["--ip", "127.0.0.1", "--port", str(self.port), "--ui-port", str(ui)]
        self.args += ["--http-port", str(http)]
        if "--db-filename" not in extra:
            self.args += ["--db-filename", str(self.folder / "state.db")]
        self.args += ["--log-level", "warn"] + (["--headless"] if headless else [])
        for attribute in ATTRIBUTES:
            self.args += ["--search-attribute", attribute]
        self.args += extra
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.args, cwd=self.folder, stdout=log, stderr=log)
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{shlex.join(self.args)} does not serve: {self.tail()}")

    def kill(self):
        """As a crash would: no goodbye."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks for a graceful end; returns how the process exited, or None if it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                return None
        return self.process.returncode

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
