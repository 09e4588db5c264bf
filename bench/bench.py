#!/usr/bin/env python3
"""Measures build/skald on this machine and writes docs/performance.md.

    bench.py             all scenarios; writes docs/performance.md
    bench.py --check     the scenarios that figures.py needs; exits 1 where a figure is missed
    bench.py --quick     shorter runs, nothing is written; to see that the machinery works

Each scenario runs on a server of its own with fresh data on the disk of this tree.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from figures import FIGURES

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKALD = pathlib.Path(os.environ.get("SKALD", ROOT / "build" / "skald"))
PAGE = ROOT / "docs" / "performance.md"
OTHERS = re.compile(r"<!-- (\w+): begin.*?<!-- \1: end -->", re.S)

# name: (what it is, arguments of `skald bench`, quick arguments, needed by a figure)
SCENARIOS = {
    "unloaded": ("one workflow at a time",
                 ["--workflows", "2000", "--concurrency", "1", "--pollers", "4"],
                 ["--workflows", "50", "--concurrency", "1", "--pollers", "4"], True),
    "closed loop": ("200 workflows at a time",
                    ["--duration", "20s", "--warmup", "3s", "--concurrency", "200", "--pollers", "64"],
                    ["--duration", "2s", "--concurrency", "50"], True),
    "closed loop, gzip": ("the same with gzip both ways, as current SDKs do",
                          ["--duration", "20s", "--warmup", "3s", "--concurrency", "200", "--pollers", "64",
                           "--gzip"],
                          ["--duration", "2s", "--concurrency", "50", "--gzip"], False),
    "closed loop, 4 KiB payloads": ("input and results of 4 KiB",
                                    ["--duration", "20s", "--warmup", "3s", "--concurrency", "200", "--pollers",
                                     "64", "--payload-size", "4KiB"],
                                    ["--duration", "2s", "--payload-size", "4KiB"], False),
    "closed loop, 10 activities": ("ten activities, one after the other",
                                   ["--duration", "20s", "--warmup", "3s", "--concurrency", "200", "--pollers",
                                    "64", "--activities", "10"],
                                   ["--duration", "2s", "--activities", "10"], False),
    "closed loop, not sticky": ("workers without sticky queues",
                                ["--duration", "20s", "--warmup", "3s", "--concurrency", "200", "--pollers", "64",
                                 "--sticky=false"],
                                ["--duration", "2s", "--sticky=false"], False),
    "open loop": ("300 starts a second, whatever the server does",
                  ["--rate", "300", "--duration", "20s", "--warmup", "2s", "--pollers", "64"],
                  ["--rate", "50", "--duration", "2s"], False),
    "pollers": ("10,000 idle polls on 200 connections",
                ["--mode", "pollers", "--pollers", "10000", "--connections", "200", "--duration", "15s"],
                ["--mode", "pollers", "--pollers", "500", "--connections", "20", "--duration", "3s"], True),
    "timers": ("100,000 open workflows that wait on a timer",
               ["--mode", "timers", "--workflows", "100000", "--concurrency", "200", "--pollers", "64"],
               ["--mode", "timers", "--workflows", "1000"], True),
}


class Server:
    """build/skald server start with fresh data; .address, .pid, .ready_ms."""

    def __init__(self, folder):
        self.folder = folder
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [SKALD, "server", "start", "--data-dir", folder, "--port", "0", "--ui-port", "0",
             "--log-format", "json"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("SKALD_")})
        for line in self.process.stderr:
            self.ready_ms = (time.monotonic() - begin) * 1000
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("port"):
                self.address = f"127.0.0.1:{entry['port']}"
                self.pid = self.process.pid
                return
        raise SystemExit(f"the server did not start: exit {self.process.wait()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def rss(self):
        for line in open(f"/proc/{self.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


def data_folder(base):
    return tempfile.mkdtemp(prefix="skald-bench-", dir=base)


def bench(server, arguments):
    done = subprocess.run([SKALD, "bench", "--address", server.address, "--server-pid", str(server.pid),
                           "--json", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"skald bench {' '.join(arguments)}: exit {done.returncode}")
    return json.loads(done.stdout)


def measure_scenario(base, arguments):
    folder = data_folder(base)
    try:
        with Server(folder) as server:
            return bench(server, arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure_start(base):
    """Time to ready and memory when idle: the median of five starts on one store."""
    folder = data_folder(base)
    ready, rss = [], []
    try:
        for _ in range(6):
            with Server(folder) as server:
                time.sleep(0.5)
                ready.append(server.ready_ms)
                rss.append(server.rss())
        # the first start also made the store
        return {"first_ready_ms": ready[0], "ready_ms": statistics.median(ready[1:]),
                "idle_rss_bytes": statistics.median(rss[1:])}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def percentile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def measure_disk(base, rounds=400):
    """What five bare commits take: the floor under a one-activity workflow."""
    folder = data_folder(base)
    try:
        db = sqlite3.connect(os.path.join(folder, "bare.db"), isolation_level=None)
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=full")
        db.execute("create table t(id integer primary key, body blob)")
        times = []
        for _ in range(rounds):
            begin = time.monotonic()
            for _ in range(5):
                db.execute("begin immediate")
                db.execute("insert into t(body) values (?)", (b"x" * 500,))
                db.execute("commit")
            times.append((time.monotonic() - begin) * 1000)
        db.close()
        return {"five_commits_p50_ms": percentile(times, 0.5), "five_commits_p99_ms": percentile(times, 0.99)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def machine(base):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
               platform.processor() or "unknown")
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal:"))
    kind = subprocess.run(["stat", "-f", "-c", "%T", base], capture_output=True, text=True).stdout.strip()
    return (f"{len(os.sched_getaffinity(0))} cores of {cpu}, {memory / 1024 / 1024:.0f} GiB of memory, "
            f"Linux {platform.release().split('-')[0]}, {kind or 'an unknown'} file system")


def ms(us):
    return f"{us / 1000:.2f}"


def scenario_row(name, m):
    e, server = m["end_to_end_us"], m["server"]
    errors = sum(m["errors"].values())
    return (f"| {name} | {m['workflows_per_second']:,.0f} | {ms(e['p50'])} | {ms(e['p90'])} | {ms(e['p99'])} | "
            f"{ms(e['p999'])} | {server['cpu_us_per_workflow']:,.0f} | {m['client']['cpu_us_per_workflow']:,.0f} | "
            f"{server['rss_peak_bytes'] / 1e6:.0f} | {errors} |")


def figure_rows(measured):
    rows, missed = [], 0
    for figure in FIGURES:
        bound = figure.bound(measured) if callable(figure.bound) else figure.bound
        value = figure.read(measured)
        met = figure.met(value, bound)
        missed += not met
        rows.append((figure.name, f"{'≥' if figure.at_least else '≤'} {bound:,.4g} {figure.unit}",
                     f"{value:,.4g} {figure.unit}", "yes" if met else "**no**"))
    return rows, missed


def calls_table(m):
    lines = ["| call | count | p50 ms | p90 ms | p99 ms | p99.9 ms |", "|---|---|---|---|---|---|"]
    for name, h in m["calls_us"].items():
        if not name.startswith("Poll"): # a poll's time is the wait for work
            lines.append(f"| {name} | {h['count']} | {ms(h['p50'])} | {ms(h['p90'])} | {ms(h['p99'])} | {ms(h['p999'])} |")
    return lines


def page(measured, base):
    rows, _ = figure_rows(measured)
    version = (ROOT / "VERSION").read_text().strip()
    out = ["<!-- Made by `make bench`; do not edit. -->", "# Performance", "",
           f"Skald {version}, measured on {machine(base)}. The load generator, `skald bench`, ran on the same",
           "machine and took its share of the cores. Every commit is durable before it is acknowledged: SQLite,",
           "WAL, synchronous=FULL.", "",
           f"Five bare commits on this disk take {measured['disk']['five_commits_p50_ms']:.2f} ms (p50) and "
           f"{measured['disk']['five_commits_p99_ms']:.2f} ms (p99).", "",
           "## What must be reached", "", "| figure | must be | is | reached |", "|---|---|---|---|"]
    out += ["| " + " | ".join(row) + " |" for row in rows]
    out += ["", "## Workflows", "",
            "A workflow has one activity unless said otherwise; its latency runs from the start request to the",
            "answer that its last workflow task is complete. CPU is user and system time of the whole process.", "",
            "| scenario | workflows/s | p50 ms | p90 ms | p99 ms | p99.9 ms | server CPU us each | load CPU us each | "
            "server at most MB | errors |", "|---|---|---|---|---|---|---|---|---|---|"]
    out += [scenario_row(name, measured[name]) for name in SCENARIOS if name not in ("pollers", "timers")]
    out += [""] + [f"- {name}: {SCENARIOS[name][0]}" for name in SCENARIOS if name not in ("pollers", "timers")]
    out += ["", "### Calls, 200 workflows at a time", ""] + calls_table(measured["closed loop"])
    out += ["", "## Memory", "",
            f"- idle: {measured['start']['idle_rss_bytes'] / 1e6:.1f} MB resident",
            f"- 10,000 idle polls on 200 connections: from {measured['pollers']['server']['rss_before_bytes'] / 1e6:.1f} "
            f"to {measured['pollers']['server']['rss_bytes'] / 1e6:.1f} MB",
            f"- {measured['timers']['workflows']:,} open workflows that wait on a timer: "
            f"{measured['timers']['server']['rss_bytes'] / 1e6:.1f} MB, started at "
            f"{measured['timers']['workflows_per_second']:,.0f}/s",
            f"- the program itself: {SKALD.stat().st_size / 1e6:.1f} MB on disk with symbols", "",
            f"Ready {measured['start']['ready_ms']:.0f} ms after start; the very first start, which makes the store, "
            f"takes {measured['start']['first_ready_ms']:.0f} ms.", "",
            "To measure yourself: `make bench` writes this page, `skald bench --help` shows the load generator.", ""]
    return "\n".join(out)


def other_sections():
    """What `make ui-bench` and `make bench-push` wrote stays."""
    old = PAGE.read_text() if PAGE.exists() else ""
    return "\n\n".join(match.group() for match in OTHERS.finditer(old)) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="one scenario; prints its JSON")
    args = parser.parse_args()
    if not SKALD.exists():
        raise SystemExit("build/skald is not there: run make first")
    base = ROOT / "build" / "bench-data"
    base.mkdir(exist_ok=True)
    if args.only:
        print(json.dumps(measure_scenario(base, SCENARIOS[args.only][2 if args.quick else 1]), indent=2))
        return 0
    measured = {"disk": measure_disk(base), "start": measure_start(base)}
    for name, (what, arguments, quick, needed) in SCENARIOS.items():
        if args.check and not needed:
            continue
        print(f"{name}: {what} ...", file=sys.stderr, flush=True)
        measured[name] = measure_scenario(base, quick if args.quick else arguments)
    rows, missed = figure_rows(measured)
    width = max(len(row[0]) for row in rows)
    for name, bound, value, met in rows:
        print(f"{name:{width}}  {bound:>14}  {value:>14}  {'reached' if met == 'yes' else 'MISSED'}")
    if not args.check and not args.quick:
        PAGE.write_text(page(measured, base).rstrip("\n") + "\n\n" + other_sections())
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 1 if missed and args.check else 0


if __name__ == "__main__":
    sys.exit(main())
