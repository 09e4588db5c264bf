#!/usr/bin/env python3
"""What push costs: ten readers of one live list while workflows come and go.

  bench/push.py [--skald build/skald] [--rate 200] [--seconds 30] [--rounds 2] [--streams 10] [--open 500]

Starts a server on a temporary folder, opens `--open` workflows that stay, then runs `skald bench` at the
rate in turns: without and with readers of `ExecutionStatus = 'Running'`. Prints what the readers cost the
server in CPU (the difference), how many queries the list asked the store, events and bytes a reader got,
and memory. Exits 1 when a limit is passed: 10 % of a core, six refills a minute.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BODY = json.dumps({"subscriptions": [{"id": "l", "list": {
    "namespace": "default", "query": "ExecutionStatus = 'Running'", "pageSize": 50}}]}).encode()


class Reader(threading.Thread):
    """A browser: reads the stream and throws it away."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(b"POST /api/v1/skald/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
        self.bytes = self.lines = 0

    def run(self):
        try:
            while data := self.socket.recv(1 << 20):
                self.bytes += len(data)
                self.lines += data.count(b"}\n")
        except OSError:
            pass


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)


def metric(port, name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    found = re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)
    return int(found.group(1)) if found else 0


def load(args, port, pid):
    """One run of `skald bench`; what share of a core the server took."""
    bench = subprocess.Popen([args.skald, "bench", "--address", f"127.0.0.1:{port}", "--rate", str(args.rate),
                              "--duration", f"{args.seconds}s", "--warmup", "0s", "--json"],
                             stdout=subprocess.DEVNULL)
    time.sleep(2) # connections, first polls
    cpu, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(args.seconds - 4)
    used, took = cpu_seconds(pid) - cpu, time.monotonic() - begin
    bench.wait()
    return used / took


def open_some(args, ui_port):
    for i in range(args.open):
        request = urllib.request.Request(
            f"http://127.0.0.1:{ui_port}/api/v1/namespaces/default/workflows/open-{i}",
            json.dumps({"workflowType": {"name": "Open"}, "taskQueue": {"name": "nobody-polls"}}).encode(),
            {"Content-Type": "application/json"})
        urllib.request.urlopen(request).read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skald", default="build/skald")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30, help="of a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--open", type=int, default=500)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([args.skald, "server", "start", "--data-dir", folder, "--port", "0", "--ui-port", "0",
                                   "--log-format", "json"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            serving = next(line for line in map(json.loads, server.stderr) if line["message"] == "serving")
            threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()
            port, ui_port = serving["port"], serving["ui_port"]
            open_some(args, ui_port)
            shares = {0: 0.0, args.streams: 0.0}
            memory, readers, read_seconds = [], [], 0.0
            for _ in range(args.rounds): # in turns, since a machine is not the same all the time
                for streams in shares:
                    memory.append(resident(server.pid))
                    now = [Reader(ui_port) for _ in range(streams)]
                    begin = time.monotonic()
                    for reader in now:
                        reader.start()
                    shares[streams] += load(args, port, server.pid) / args.rounds
                    for reader in now:
                        reader.socket.shutdown(socket.SHUT_RDWR)
                    read_seconds += (time.monotonic() - begin) * streams
                    readers += now
            base, loaded = shares[0], shares[args.streams]
            cost = loaded - base
            minutes = args.rounds * args.seconds / 60
            refills = metric(ui_port, 'skald_push_queries{reason="refill"}')
            print(f"{args.streams} readers, {args.rate} workflows/s, {args.open} others open, {args.rounds} x {args.seconds} s")
            print(f"CPU: {100 * base:.1f} % of a core without, {100 * loaded:.1f} % with: {100 * cost:.1f} % for them")
            print(f"queries: {metric(ui_port, 'skald_push_queries{reason=' + chr(34) + 'begin' + chr(34) + '}')} to begin, "
                  f"{refills} refills ({refills / minutes:.1f} a minute)")
            print(f"a reader: {sum(r.lines for r in readers) / read_seconds:.1f} events/s, "
                  f"{sum(r.bytes for r in readers) / read_seconds / 1024:.0f} KiB/s")
            print(f"memory: {' '.join(f'{m:.0f}' for m in memory)} {resident(server.pid):.0f} MiB over the rounds; "
                  f"rows {metric(ui_port, 'skald_push_bytes') / 1024:.0f} KiB")
            return 1 if cost > 0.10 or refills / minutes > 6 else 0
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
