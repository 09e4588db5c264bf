#!/usr/bin/env python3
"""What push costs: ten readers of one live list while workflows come and go.

  bench/push.py [--skald build/skald] [--rate 200] [--seconds 60] [--rounds 2] [--streams 10] [--open 500]
                [--write docs/performance.md]

Starts a server on a temporary folder, opens `--open` workflows that stay, then runs `skald bench` at the
rate in turns: without and with readers of `ExecutionStatus = 'Running'`. Prints what the readers cost the
server in CPU and in growth of its memory (the differences), how many queries the list asked the store,
events and bytes a reader got. --write puts that into a section of the page, whose others stay. Exits 1
when a limit is passed.
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


BEGIN, END = "<!-- push: begin (make bench-push) -->", "<!-- push: end -->"
GROWTH_MAX = 4  # MiB a minute: what the C library's heap may wander


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


def mean(values):
    return sum(values) / len(values)


def load(args, port, pid):
    """One run of `skald bench`: the share of a core that the server took, the MiB a minute by which it grew."""
    bench = subprocess.Popen([args.skald, "bench", "--address", f"127.0.0.1:{port}", "--rate", str(args.rate),
                              "--duration", f"{args.seconds}s", "--warmup", "0s", "--json"],
                             stdout=subprocess.DEVNULL)
    time.sleep(2)  # connections, first polls
    cpu, begin, memory = cpu_seconds(pid), time.monotonic(), []
    while time.monotonic() - begin < args.seconds - 4:
        time.sleep(0.25)
        memory.append(resident(pid))
    used, took = cpu_seconds(pid) - cpu, time.monotonic() - begin
    bench.wait()
    quarter = max(1, len(memory) // 4)
    grown = mean(memory[-quarter:]) - mean(memory[quarter:2 * quarter])  # half the time apart
    return used / took, grown / (took / 2) * 60


def open_some(args, ui_port):
    for i in range(args.open):
        request = urllib.request.Request(
            f"http://127.0.0.1:{ui_port}/api/v1/namespaces/default/workflows/open-{i}",
            json.dumps({"workflowType": {"name": "Open"}, "taskQueue": {"name": "nobody-polls"}}).encode(),
            {"Content-Type": "application/json"})
        urllib.request.urlopen(request).read()


def section(args, figures, told):
    rows = [f"| {name} | \u2264 {limit} {unit} | {value:.1f} {unit} | {'yes' if value <= limit else 'no'} |"
            for name, limit, value, unit in figures]
    return "\n".join([
        BEGIN, "## Push", "",
        f"{args.streams} readers of one live list (`ExecutionStatus = 'Running'`, 50 rows) while {args.rate} workflows a "
        "second run and",
        f"{args.open} others stay open; {args.rounds} times {args.seconds} s with them and without, what they cost being "
        "the difference.", "",
        "| figure | must be | is | reached |", "|---|---|---|---|", *rows, "", *told, "",
        "`make bench-push` measures them again.", END, ""])


def write(page, text):
    """The section in its place, or at the end."""
    old = page.read_text()
    if BEGIN in old:
        before, rest = old.split(BEGIN, 1)
        page.write_text(before + text + rest.split(END, 1)[1].removeprefix("\n"))
    else:
        page.write_text(old.rstrip("\n") + "\n\n" + text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skald", default="build/skald")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60, help="of a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--open", type=int, default=500)
    parser.add_argument("--write", help="the page to put the section into")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([args.skald, "server", "start", "--data-dir", folder, "--port", "0", "--ui-port", "0",
                                   "--log-format", "json"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            serving = next(line for line in map(json.loads, server.stderr) if line["message"] == "serving")
            threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()
            port, ui_port = serving["port"], serving["ui_port"]
            open_some(args, ui_port)
            costs = {0: [], args.streams: []}  # [(share, growth)]
            readers, read_seconds = [], 0.0
            for _ in range(args.rounds):  # in turns, since a machine is not the same all the time
                for streams in costs:
                    now = [Reader(ui_port) for _ in range(streams)]
                    begin = time.monotonic()
                    for reader in now:
                        reader.start()
                    costs[streams].append(load(args, port, server.pid))
                    for reader in now:
                        reader.socket.shutdown(socket.SHUT_RDWR)
                    read_seconds += (time.monotonic() - begin) * streams
                    readers += now
            base, loaded = ([mean(values) for values in zip(*costs[n], strict=True)] for n in (0, args.streams))
            refills = metric(ui_port, 'skald_push_queries{reason="refill"}') / (args.rounds * args.seconds / 60)
            figures = [  # name, limit, is, unit
                ("server CPU for them", 10, 100 * (loaded[0] - base[0]), "% of a core"),
                ("queries of the list when its rows ran out", 6, refills, "a minute"),
                ("growth of the server's memory for them", GROWTH_MAX, max(0.0, loaded[1] - base[1]), "MiB a minute"),
            ]
            told = [
                f"- the whole server: {100 * base[0]:.1f} % of a core without them, {100 * loaded[0]:.1f} % with",
                f"- a reader gets {sum(r.lines for r in readers) / read_seconds:.1f} events and "
                f"{sum(r.bytes for r in readers) / read_seconds / 1024:.0f} KiB a second",
                f"- the list takes {metric(ui_port, 'skald_push_bytes') / 1024:.0f} KiB in the server, whose resident "
                f"memory is {resident(server.pid):.0f} MiB at the end",
            ]
            text = section(args, figures, told)
            print(text)
            if args.write:
                write(pathlib.Path(args.write), text)
            return 1 if any(value > limit for _, limit, value, _ in figures) else 0
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
