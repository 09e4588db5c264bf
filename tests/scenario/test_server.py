"""Starting, refusing to start, and stopping the real server."""

import os
import signal
import socket
import stat
import subprocess

from program import LIMIT, ROOT, SKALD, Case, clean_environment, skald, until


class Start(Case):
    def test_a_fresh_server_serves_and_says_where(self):
        server = self.start()
        screen = until("the screen is there", lambda: "Stop:" in "".join(server.screen) and "".join(server.screen))
        self.assertIn(f"127.0.0.1:{server.port}", screen)
        self.assertIn(f"http://127.0.0.1:{server.ui_port}", screen)
        self.assertIn(str(self.folder / "data" / "skald.db"), screen)
        self.assertIn(f"skald demo --address 127.0.0.1:{server.port}", screen)
        self.assertNotIn("\033", screen) # no colours into a pipe
        self.assertEqual(skald("health", "--address", server.address)[:2], (0, "serving\n"))
        self.assertEqual(skald("health", "--http", f"127.0.0.1:{server.ui_port}")[:2], (0, "serving\n"))
        self.assertEqual(server.stop(), 0)

    def test_colours_when_asked_for(self):
        server = self.start("--color", "always")
        until("colours", lambda: "\033[1m" in "".join(server.screen))

    def test_data_is_for_its_user_alone(self):
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        server = self.start("--data-dir", self.folder / "a" / "b")
        self.assertEqual(stat.S_IMODE(os.stat(self.folder / "a" / "b").st_mode), 0o700)
        for name in os.listdir(self.folder / "a" / "b"):
            self.assertEqual(stat.S_IMODE(os.stat(self.folder / "a" / "b" / name).st_mode) & 0o077, 0, name)
        self.assertEqual(server.stop(), 0)

    def test_an_open_directory_of_ours_is_narrowed(self):
        (self.folder / "data").mkdir(mode=0o755)
        os.chmod(self.folder / "data", 0o755)
        self.start()
        self.assertEqual(stat.S_IMODE(os.stat(self.folder / "data").st_mode), 0o700)

    def test_where_data_goes(self):
        for environment, expected in (
                ({"STATE_DIRECTORY": str(self.folder / "state")}, "state"),
                ({"XDG_DATA_HOME": str(self.folder / "xdg")}, "xdg/skald"),
                ({"HOME": str(self.folder / "home")}, "home/.local/share/skald")):
            with self.subTest(expected):
                server = self.start("--store", "memory:", wait=True) # does not touch data
                server.stop()
                from program import Server
                with Server(**environment) as server:
                    self.assertTrue((self.folder / expected / "skald.db").exists())
                    self.assertEqual(server.stop(), 0)

    def test_a_restart_finds_its_cluster_again(self):
        first = self.start()
        first.stop()
        second = self.start()
        self.assertEqual(second.stop(), 0)

    def test_a_store_elsewhere(self):
        path = self.folder / "x.db"
        server = self.start("--store", f"sqlite:{path}")
        self.assertTrue(path.exists())
        self.assertFalse((self.folder / "data").exists())
        self.assertEqual(server.stop(), 0)

    def test_the_store_from_a_file(self):
        secret = self.folder / "url"
        secret.write_text(f"sqlite:{self.folder / 'y.db'}\n")
        self.start("--store-file", secret)
        self.assertTrue((self.folder / "y.db").exists())

    def test_the_environment_and_the_file(self):
        config = self.folder / "skald.yaml"
        config.write_text(f"data_dir: {self.folder / 'from-file'}\nlog_level: info\n")
        server = self.start("--config", config, "--store", "memory:", SKALD_LOOPS="1")
        self.assertEqual(server.serving["loops"], 1)
        self.assertIn(str(config), "".join(server.screen) + until("config is told", lambda: "".join(server.screen)))


class Refusals(Case):
    def test_a_second_process_on_the_same_data(self):
        server = self.start()
        err = self.refuse("server", "start", "--data-dir", self.folder / "data", "--port", 0, "--ui-port", 0, code=1)
        self.assertIn("another skald", err)
        self.assertIn(str(server.process.pid), err)

    def test_a_second_process_on_the_same_file(self):
        server = self.start("--store", f"sqlite:{self.folder / 'x.db'}")
        err = self.refuse("server", "start", "--store", f"sqlite:{self.folder / 'x.db'}", "--port", 0, "--ui-port", 0, code=1)
        self.assertIn("x.db", err)
        self.assertIn(str(server.process.pid), err)

    def test_the_lock_goes_with_a_killed_process(self):
        self.assertEqual(self.start().stop(signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(self.start().stop(), 0)

    def test_a_taken_port_is_named_with_its_flag(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for flag, other in (("--port", "--ui-port"), ("--ui-port", "--port")):
                err = self.refuse("server", "start", "--store", "memory:", flag, port, other, 0, code=1)
                self.assertEqual(err.strip().splitlines()[-1],
                                 f"skald: port {port} on 127.0.0.1 is taken: end the program that has it, or "
                                 f"choose another with {flag}")

    def test_an_address_that_is_not_ours(self):
        err = self.refuse("server", "start", "--store", "memory:", "--ip", "192.0.2.1", "--allow-unauthenticated",
                          "--port", 0, "--ui-port", 0, code=1)
        self.assertIn("192.0.2.1 is no address of this machine", err)
        self.assertIn("--ip", err)

    def test_beyond_loopback_without_authentication(self):
        for ip in ("0.0.0.0", "192.0.2.1", "::"):
            err = self.refuse("server", "start", "--store", "memory:", "--ip", ip)
            self.assertIn(f"--ip {ip} is not a loopback address", err)
            self.assertIn("--allow-unauthenticated", err)
        err = self.refuse("server", "start", "--store", "memory:", "--ui-ip", "0.0.0.0")
        self.assertIn("--ui-ip 0.0.0.0", err)

    def test_beyond_loopback_when_allowed_warns(self):
        server = self.start("--ip", "0.0.0.0", "--allow-unauthenticated", "--store", "memory:")
        server.wait_for("listening beyond this machine without authentication")
        until("the screen warns", lambda: "Careful" in "".join(server.screen))

    def test_half_of_tls(self):
        key = self.folder / "key"
        key.write_text("x")
        self.assertIn("--tls-cert is missing", self.refuse("server", "start", "--tls-key", key))
        self.assertIn("cannot read", self.refuse("server", "start", "--tls-key", key, "--tls-cert", self.folder / "no"))
        self.assertIn("--tls-client-ca needs", self.refuse("server", "start", "--tls-client-ca", key))

    def test_stores_that_are_not_there(self):
        err = self.refuse("server", "start", "--store", "postgres://user:secret@db/x")
        self.assertIn("is no store of this build", err)
        self.assertNotIn("secret", err)

    def test_configuration_errors_name_the_nearest(self):
        config = self.folder / "skald.yaml"
        config.write_text("prot: 1\n")
        self.assertEqual(self.refuse("server", "start", "--config", config).splitlines()[0],
                         f"skald: {config}:1: unknown key \"prot\"; did you mean port?")
        self.assertIn("did you mean --port?", self.refuse("server", "start", "--prot", 1))
        self.assertIn("did you mean SKALD_STORE?", self.refuse("server", "start", SKALD_STROE="x"))
        self.assertIn("did you mean \"skald server start\"?", self.refuse("server", "strat"))
        self.assertIn("No such file", self.refuse("server", "start", "--config", self.folder / "none"))


class Stop(Case):
    def test_signals_drain_and_exit_0(self):
        for signum in (signal.SIGTERM, signal.SIGINT):
            server = self.start()
            self.assertEqual(server.stop(signum), 0)
            self.assertEqual([e["message"] for e in server.log if e["component"] == "main"][-2:], ["stopping", "stopped"])

    def test_a_stop_does_not_wait_for_idle_polls(self):
        server = self.start("--shutdown-timeout", "200s")
        polls = subprocess.Popen([os.environ.get("SKALD", ROOT / "build" / "skald"), "bench", "--mode", "pollers", "--pollers",
                                  "20", "--connections", "2", "--duration", "300s", "--address", server.address],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(polls.wait)
        self.addCleanup(polls.kill)
        until("the polls wait", lambda: "skald_parked_polls 20" in server.get("/metrics")[1])
        self.assertEqual(server.stop(), 0)
        stopping, stopped = [e["time"] for e in server.log if e["message"] in ("stopping", "stopped")]
        self.assertLess(seconds(stopped) - seconds(stopping), 150)

    def test_closed_standard_descriptors(self):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            port, ui_port = one.getsockname()[1], other.getsockname()[1]
        process = subprocess.Popen([SKALD, "server", "start", "--data-dir", self.folder / "data", "--port", str(port),
                                    "--ui-port", str(ui_port)], env=clean_environment(),
                                   preexec_fn=lambda: [os.close(fd) for fd in range(3)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until("it serves", lambda: skald("health", "--address", f"127.0.0.1:{port}")[0] == 0)
        self.assertEqual({os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in range(3)}, {"/dev/null"})
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(LIMIT), 0)

    def test_a_second_signal_exits_at_once(self):
        server = self.start("--shutdown-timeout", "50s")
        server.process.send_signal(signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)
        server.process.send_signal(signal.SIGCONT)
        self.assertIn(server.stop(signal.SIGCONT), (0, 130))


def seconds(text):
    hours, minutes, rest = text[11:].rstrip("Z").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


class Log(Case):
    def test_failed_calls_name_what_was_asked(self):
        server = self.start("--store", "memory:", "--log-level", "debug")
        skald("demo", "--address", server.address, "--namespace", "nowhere")
        server.wait_for("call failed")
        entry = next(e for e in server.log if e.get("method") == "StartWorkflowExecution")
        self.assertEqual((entry["level"], entry["error"], entry["namespace"]), ("debug", "NOT_FOUND", "nowhere"))
        self.assertTrue(entry["workflow_id"].startswith("order-"))
        self.assertIn("nowhere", entry["reason"])
        self.assertTrue(entry["request_id"] and entry["peer"])


class Resources(Case):
    def test_the_limit_of_open_files_is_raised(self):
        server = self.start("--store", "memory:")
        with open(f"/proc/{server.process.pid}/limits") as limits:
            soft, hard = next(line for line in limits if line.startswith("Max open files")).split()[3:5]
        self.assertEqual(int(soft), min(int(hard), 65536) if int(soft) < 65536 else int(soft))
