"""`server start-dev` as people and SDKs launch it."""

import random
import socket
import subprocess

from program import LIMIT, SKALD, Case, clean_environment, skald, until


def free_port():
    """A port that is free, and whose 1000th follower is free too; below those that the kernel gives to clients."""
    for _ in range(100):
        port = random.randrange(10000, 30000)
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 1000))
            except OSError:
                continue
        return port
    raise AssertionError("no free port")


class StartDev(Case):
    def dev(self, *args, **kwargs):
        return self.start(*args, command="start-dev", **kwargs)

    def test_forgets_at_exit_and_says_so(self):
        server = self.dev()
        until("it says so", lambda: "gone at exit" in "".join(server.screen))
        self.assertEqual(server.serving["store"], "memory")
        self.assertEqual(server.stop(), 0)

    def test_the_ui_port_follows_the_port(self):
        port = free_port()
        server = self.dev("--port", port, "--ui-port", "0")
        self.assertEqual((server.port, server.ui_port), (port, port + 1000))

    def test_a_taken_default_ui_port_matters_only_with_pages(self):
        port = free_port()
        with socket.create_server(("127.0.0.1", port + 1000)):
            err = self.refuse("server", "start-dev", "--port", port, code=1)
            self.assertIn(f"port {port + 1000} on 127.0.0.1 is taken", err)
            server = self.dev("--port", port, "--headless", "--ui-port", "0")
            self.assertNotEqual(server.ui_port, port + 1000)

    def test_headless_removes_pages_only(self):
        server = self.dev("--headless")
        self.assertEqual(server.get("/")[0], 404)
        self.assertEqual(server.get("/metrics")[0], 200)
        self.assertEqual(server.get("/readyz")[0], 200)

    def test_the_screen_says_where_the_ui_is(self):
        server = self.dev("--ui-base-path", "/shop/")
        self.assertIn(f"http://127.0.0.1:{server.ui_port}/shop/\n", "".join(server.screen))

    def test_more_ports(self):
        http, metrics = free_port(), free_port()
        server = self.dev("--http-port", http, f"--metrics-port={metrics}")
        self.assertEqual(server.get("/healthz", port=http)[0], 200)
        self.assertEqual(server.get("/metrics", port=metrics)[0], 200)
        self.assertEqual(server.get("/api/v1/namespaces", port=http)[0], 200)
        self.assertEqual(server.get("/api/v1/namespaces", port=metrics)[0], 404)

    def test_every_flag_of_temporals(self):
        self.dev("-n", "one", "--namespace", "two", "--ip", "localhost", "--ui-ip", "127.0.0.1", "--ui-public-path", "/x",
                 "--ui-asset-path", ".", "--ui-codec-endpoint", "http://localhost:1", "--sqlite-pragma", "temp_store=2",
                 "--search-attribute", "Foo=Keyword", "--search-attribute=Bar=int", "--log-config", "--color", "never",
                 "--output", "json", "--dynamic-config-value", "limit.blobSize.error=10240",
                 "-f", self.folder / "dev.db", "--dynamic-config-value", 'history.longPollExpirationInterval="5s"')
        self.assertTrue((self.folder / "dev.db").exists())

    def test_dynamic_config_names_without_meaning_are_named_once(self):
        server = self.dev("--dynamic-config-value", "frontend.rps=5", "--dynamic-config-value", "x.y={\"a\":[1]}")
        entry = server.wait_for("dynamic-config names without a meaning here")
        self.assertEqual(entry["names"], "frontend.rps, x.y")

    def test_dynamic_config_values_are_checked(self):
        for value, message in (("limit.blobSize.error", "is not KEY=JSON"), ("limit.blobSize.error=x", "is not JSON"),
                               ("limit.blobSize.error=\"1\"", "wants a number of bytes"),
                               ("limit.blobSize.error=0", "below its least value"),
                               ("system.enableEagerWorkflowStart=1", "wants true or false"),
                               ("history.longPollExpirationInterval=\"soon\"", "wants a time"),
                               ("LIMIT.BLOBSIZE.ERROR=-1", "below its least value")):
            self.assertIn(message, self.refuse("server", "start-dev", "--dynamic-config-value", value), value)

    def test_search_attributes_are_checked(self):
        self.assertIn("is no type", self.refuse("server", "start-dev", "--search-attribute", "A=Strnig"))
        self.assertIn("NAME=VALUE", self.refuse("server", "start-dev", "--search-attribute", "A"))

    def test_search_attributes_again_on_the_same_file(self):
        for _ in range(2):
            server = self.dev("-f", self.folder / "dev.db", "--search-attribute", "Foo=Keyword")
            self.assertEqual(server.stop(), 0)
        err = self.refuse("server", "start-dev", "-f", self.folder / "dev.db", "--search-attribute", "Foo=Int",
                          "--port", 0, code=1)
        self.assertIn("has it with type Keyword", err)

    def test_beyond_loopback_it_warns_and_runs(self):
        self.dev("--ip", "0.0.0.0").wait_for("listening beyond this machine without authentication")

    def test_the_environment_does_not_matter(self):
        server = self.dev(SKALD_STORE="sqlite:/nowhere/x.db", SKALD_BOGUS="1")
        self.assertEqual(server.serving["store"], "memory")

    def test_quiet_unless_something_is_wrong(self):
        process = subprocess.Popen([SKALD, "server", "start-dev", "--port", "0"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=clean_environment())
        for line in process.stdout:
            if "Stop:" in line:
                break
        process.terminate()
        _, err = process.communicate(timeout=LIMIT)
        # A machine that is busy, or a build that watches the program, holds a loop up, and that is said.
        wrong = [line for line in err.splitlines() if "a loop was held up" not in line]
        self.assertEqual((process.returncode, wrong), (0, []))


class Commands(Case):
    def test_help_is_everywhere(self):
        for words in ([], ["server", "start"], ["server", "start-dev"], ["demo"], ["bench"], ["health"],
                      ["config", "print"], ["config", "check"], ["version"]):
            code, out, err = skald(*words, "--help")
            self.assertEqual((code, err), (0, ""), words)
            self.assertIn("Usage: skald", out)
            self.assertTrue(all(len(line) <= 100 for line in out.splitlines()), words)

    def test_wrong_use_is_code_2(self):
        for words in ([], ["nonsense"], ["server"], ["demo", "--bogus"], ["bench", "more"]):
            self.assertEqual(skald(*words)[0], 2, words)

    def test_version(self):
        code, out, _ = skald("version")
        self.assertEqual((code, out), skald("--version")[:2])
        self.assertRegex(out, r"^skald \d+\.\d+\.\d+\n$")

    def test_licenses_name_what_is_built_in(self):
        out = skald("licenses")[1]
        for name in ("Apache License", "nghttp2", "OpenSSL", "Temporal"):
            self.assertIn(name, out)

    def test_config_check(self):
        config = self.folder / "skald.yaml"
        config.write_text("port: 7300\ndynamic_config_value: [\"x=1\"]\n")
        code, out, _ = skald("config", "check", "--config", config)
        self.assertEqual(code, 0)
        self.assertIn("is good", out)
        self.assertIn("without a meaning here: x", out)
        config.write_text("ip: 0.0.0.0\n")
        code, _, err = skald("config", "check", "--config", config)
        self.assertEqual(code, 1)
        self.assertIn("--allow-unauthenticated", err)

    def test_config_print_tells_where_from_and_can_be_read_back(self):
        config = self.folder / "skald.yaml"
        config.write_text("ui_port: 7\n")
        out = skald("config", "print", "--config", config, "--log-level", "warn", SKALD_PORT="7300")[1]
        for line in ("port: 7300 # environment", "ui_port: 7 # file", "log_level: warn # flag", "loops: 0 # default"):
            self.assertIn(line, out.splitlines())
        config.write_text(out)
        again = skald("config", "print", "--config", config)[1]
        self.assertIn("port: 7300 # file", again.splitlines())

    def test_no_server_is_said_plainly(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{closed.getsockname()[1]}"
            for command in ("demo", "bench", "health"):
                code, _, err = skald(command, "--address", address)
                self.assertEqual(code, 1)
                self.assertIn(f"no connection to {address}", err)
