"""Pages, probes and metrics over HTTP."""

import re
import subprocess

from program import SKALD, Case, clean_environment, skald, until

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\n]|\\.)*\"(,|(?=\})))*\})? "
                    r"(-?[0-9.]+(e[+-]?[0-9]+)?|[+-]Inf|NaN)$")


class Pages(Case):
    def test_probes(self):
        server = self.start("--store", "memory:")
        self.assertEqual(server.get("/healthz")[:2], (200, "ok\n"))
        self.assertEqual(server.get("/readyz")[:2], (200, "ready\n"))
        self.assertEqual(server.get("/nothing")[0], 404)
        self.assertEqual(server.get("/", method="POST")[0], 405)
        self.assertEqual(server.get("/metrics", method="POST")[0], 405)

    def test_the_first_page(self):
        """The UI, or where it could not be built a plain page that says why."""
        status, body, headers = self.start("--store", "memory:").get("/")
        self.assertEqual(status, 200)
        self.assertIn("<title>Skald</title>", body)
        if 'id="root"' not in body:
            self.assertRegex(body, "This binary has no web UI: .{10,}")
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")

    def test_namespaces_tell_that_a_ui_is_up(self):
        server = self.start("--store", "memory:")
        for accept in ("*/*", "text/html"):
            self.assertEqual(server.get("/namespaces", accept=accept)[0], 200, accept)
        self.assertEqual(server.get("/namespaces", accept="application/json")[0], 404)

    def test_only_our_hosts_are_answered(self):
        server = self.start("--store", "memory:", "--public-host", "skald.example")
        for host in ("localhost", f"127.0.0.1:{server.ui_port}", "[::1]", "skald.example", "SKALD.example:80"):
            self.assertEqual(server.get("/healthz", host=host)[0], 200, host)
        for host in ("evil.example", "skald.example.evil.example", "192.0.2.7", "localhost.evil.example"):
            self.assertIn(server.get("/healthz", host=host)[0], (403, 421), host)


class Metrics(Case):
    def test_the_format_is_prometheus(self):
        server = self.start("--store", "memory:")
        skald("health", "--address", server.address)
        status, body, headers = server.get("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        typed = set()
        for line in body.splitlines():
            if line.startswith("# TYPE "):
                name = line.split()[2]
                self.assertNotIn(name, typed, "one TYPE line a name")
                typed.add(name)
            elif not line.startswith("#"):
                self.assertRegex(line, SAMPLE)
                name = re.split(r"[{ ]", line)[0]
                self.assertTrue(name in typed or re.sub(r"_(bucket|sum|count)$", "", name) in typed, line)

    def test_calls_are_counted_and_timed(self):
        server = self.start("--store", "memory:")
        skald("demo", "--address", server.address, "--orders", "1", "--timeout", "100ms")
        body = server.get("/metrics")[1]
        self.assertRegex(body, r'service_requests\{[^}]*operation="StartWorkflowExecution",namespace="default"\} 1\n')
        self.assertEqual(skald("demo", "--address", server.address, "--namespace", "nobody-made-this")[0], 1)
        self.assertNotIn("nobody-made-this", server.get("/metrics")[1])
        self.assertRegex(body, r'service_latency_bucket\{[^}]*operation="StartWorkflowExecution"[^}]*le="\+Inf"\} 1\n')
        self.assertIn("process_resident_memory_bytes", body)

    def test_backlogs_come_and_go(self):
        server = self.start("--store", "memory:")
        self.assertEqual(skald("demo", "--address", server.address, "--orders", "4")[0], 0)
        gauge = 'approximate_backlog_count{namespace="default",taskqueue="skald-demo-orders",task_type="Activity"} '
        # the order that retries wants its next attempt, and nobody polls
        until("the backlog is seen", lambda: gauge + "1\n" in server.get("/metrics")[1])
        demo = subprocess.Popen([SKALD, "demo", "--address", server.address, "--orders", "1", "--keep-running"],
                                stdout=subprocess.DEVNULL, env=clean_environment())
        try:
            until("the backlog is gone", lambda: gauge + "0\n" in server.get("/metrics")[1])
        finally:
            demo.kill()
            demo.wait()

    def test_scrapes_do_not_add_up(self):
        server = self.start("--store", "memory:", "--loops", "2")
        values = set()
        for _ in range(10): # connections land on either loop
            values.add(re.search(r"^process_start_time_seconds (\d+)$", server.get("/metrics")[1], re.M).group(1))
        self.assertEqual(len(values), 1, values)
