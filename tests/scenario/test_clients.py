"""The demo and the load generator against a real server."""

import json
import subprocess

from program import LIMIT, SKALD, Case, clean_environment, skald


class Demo(Case):
    def test_every_story_comes_to_its_end(self):
        server = self.start()
        code, out, err = skald("demo", "--address", server.address, "--timeout", "200s")
        self.assertEqual((code, err), (0, ""))
        for word, count in (("completed", 5), ("failed", 1), ("cancelled", 1), ("retrying", 1), ("waiting", 2)):
            self.assertEqual(out.count(f"  {word:10} order-"), count, out)
        self.assertEqual(server.stop(), 0)

    def test_orders_beside_each_other(self):
        server = self.start("--store", "memory:")
        orders = [subprocess.Popen([SKALD, "demo", "--address", server.address, "--orders", "20", "--timeout", "200s"],
                                   stdout=subprocess.PIPE, text=True, env=clean_environment()) for _ in range(2)]
        for process in orders:
            out, _ = process.communicate(timeout=LIMIT)
            self.assertEqual(process.returncode, 0, out)

    def test_a_namespace_that_is_not_there(self):
        server = self.start("--store", "memory:")
        code, _, err = skald("demo", "--address", server.address, "--namespace", "nowhere")
        self.assertEqual(code, 1)
        self.assertIn("nowhere", err)

    def test_what_waited_goes_on_after_a_restart(self):
        first = self.start()
        self.assertEqual(skald("demo", "--address", first.address, "--timeout", "200s")[0], 0)
        first.stop()
        second = self.start()
        code, out, _ = skald("demo", "--address", second.address, "--timeout", "200s", "--orders", "4")
        self.assertEqual(code, 0, out)


class Bench(Case):
    def bench(self, server, *args):
        code, out, err = skald("bench", "--address", server.address, "--json", "--server-pid", server.process.pid, *args)
        self.assertEqual((code, err), (0, ""))
        return json.loads(out)

    def test_closed_loop(self):
        server = self.start()
        for args in ([], ["--sticky=false"], ["--gzip", "--payload-size", "4KiB"], ["--activities", "3"], ["--activities", "0"]):
            with self.subTest(" ".join(args)):
                report = self.bench(server, "--workflows", 50, "--concurrency", 10, *args)
                activities = int(args[1]) if "--activities" in args else 1
                self.assertEqual((report["workflows"], report["unfinished"], report["errors"]), (50, 0, {}))
                self.assertEqual(report["end_to_end_us"]["count"], 50)
                self.assertEqual(report["calls_us"]["StartWorkflowExecution"]["count"], 50)
                self.assertEqual(report["calls_us"]["RespondWorkflowTaskCompleted"]["count"], 50 * (activities + 1))
                if activities:
                    self.assertGreaterEqual(report["calls_us"]["RespondActivityTaskCompleted"]["count"], 50 * activities - 1)
                self.assertGreater(report["server"]["rss_bytes"], 1000000)

    def test_activities_all_at_once(self):
        report = self.bench(self.start(), "--workflows", 5, "--activities", 40, "--parallel", "--payload-size", "100")
        self.assertEqual((report["workflows"], report["unfinished"], report["errors"]), (5, 0, {}))
        self.assertEqual(report["calls_us"]["RespondActivityTaskCompleted"]["count"], 5 * 40)

    def test_open_loop(self):
        server = self.start()
        report = self.bench(server, "--rate", 50, "--workflows", 20)
        self.assertEqual((report["workflows"], report["unfinished"], report["errors"]), (20, 0, {}))
        report = self.bench(server, "--rate", 50, "--duration", "1s", "--warmup", "100ms")
        self.assertEqual((report["unfinished"], report["errors"]), (0, {}))

    def test_timers_stay_open(self):
        server = self.start()
        report = self.bench(server, "--mode", "timers", "--workflows", 20)
        self.assertEqual((report["workflows"], report["errors"]), (20, {}))

    def test_idle_polls(self):
        report = self.bench(self.start(), "--mode", "pollers", "--pollers", 50, "--connections", 5, "--duration", "500ms")
        self.assertEqual(report["errors"], {})

    def test_the_report_for_people(self):
        server = self.start()
        code, out, _ = skald("bench", "--address", server.address, "--workflows", 5)
        self.assertEqual(code, 0)
        self.assertIn("workflows/s: 5 in", out)
        self.assertIn("workflow, end to end", out)

    def test_wrong_numbers(self):
        for args in (["--connections", 0], ["--server-pid", 2147483647], ["--payload-size", "1GiB"]):
            self.assertEqual(skald("bench", *args)[0], 1, args)
