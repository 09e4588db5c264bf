"""The figures that must be reached, each with what it is called, its bound and its unit.

`read` takes the measurements: a dict from a scenario's name to what bench.py measured there.
"""

MB = 1e6


class Figure:
    def __init__(self, name, bound, unit, read, at_least=False):
        self.name, self.bound, self.unit, self.read, self.at_least = name, bound, unit, read, at_least

    def met(self, value, bound):
        return value >= bound if self.at_least else value <= bound


FIGURES = [
    Figure("one-activity workflows a second, without gzip", 1000, "/s",
           lambda m: m["closed loop"]["workflows_per_second"], at_least=True),
    Figure("server CPU for each of them", 400, "us",
           lambda m: m["closed loop"]["server"]["cpu_us_per_workflow"]),
    Figure("start to completion, unloaded, p50", 5, "ms",
           lambda m: m["unloaded"]["end_to_end_us"]["p50"] / 1000),
    # The bound is three times what five bare commits take on this disk at p99.
    Figure("start to completion, unloaded, p99", lambda m: 3 * m["disk"]["five_commits_p99_ms"], "ms",
           lambda m: m["unloaded"]["end_to_end_us"]["p99"] / 1000),
    Figure("resident when idle", 15, "MB", lambda m: m["start"]["idle_rss_bytes"] / MB),
    Figure("from start to ready", 100, "ms", lambda m: m["start"]["ready_ms"]),
    Figure("10,000 idle polls on 200 connections, memory more", 60, "MB",
           lambda m: (m["pollers"]["server"]["rss_bytes"]
                      - m["pollers"]["server"]["rss_before_bytes"]) / MB),
    Figure("100,000 open workflows on a timer, resident", 100, "MB",
           lambda m: m["timers"]["server"]["rss_bytes"] / MB),
]
