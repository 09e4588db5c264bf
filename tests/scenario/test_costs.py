"""What a one-activity workflow costs, counted: row operations, commits, wake-ups of threads.

Counts hold on any machine, so they catch what a clock would not: a commit more, a thread hop more.
Commits and row operations are the same whatever the load. Wake-ups fall as load rises, since
threads that are awake need none; the bound is for 50 workflows at a time.
"""

import re

from program import Case, skald

WORKFLOWS = 1000
BOUNDS = {
    "skald_store_commits": 5.1,
    "skald_store_row_operations": 20,
    "skald_thread_wakeups": 7,
}


class Costs(Case):
    def counters(self, server):
        body = server.get("/metrics")[1]
        return {name: int(re.search(rf"^{name} (\d+)$", body, re.M).group(1)) for name in BOUNDS}

    def test_a_one_activity_workflow(self):
        server = self.start()
        before = self.counters(server)
        code, _, err = skald("bench", "--address", server.address, "--workflows", WORKFLOWS, "--concurrency", 50,
                             "--pollers", 16)
        self.assertEqual(code, 0, err)
        after = self.counters(server)
        costs = {name: (after[name] - before[name]) / WORKFLOWS for name in BOUNDS}
        print("each workflow:", ", ".join(f"{value:.2f} {name}" for name, value in costs.items()), flush=True)
        for name, bound in BOUNDS.items():
            self.assertLessEqual(costs[name], bound, name)
