#!/usr/bin/env python3
"""Runs the tests with Temporal's published SDKs against a server of ours.

    run.py [GROUP...] [--only REGEX] [--rounds N]

Groups: typescript, python, go, java (the SDK's view of the server), examples, saga (the order saga while server and
worker are killed), docs (the blocks of the quickstart), cli (the temporal command line, if installed). SKALD_BIN is the
server's program (default build/skald); COMPAT_SERVER_CMD runs the same tests against another server's command line, COMPAT_ADDRESS the SDK groups against a
server that runs already. Each group has a server of its own on free ports. Packages come from npm, PyPI, the Go
module proxy and Maven Central into a cache outside the tree.

Prints "ok NAME" or "not ok NAME # why" for each test, "SKIP NAME: why" for what cannot run here, and last
"N passed, N failed, N skipped". Results also go to COMPAT_RESULTS (default build/compat-results.txt).
"""

import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

import toolchains
from server import ROOT, Server, command

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = ROOT / "examples"
GROUP_SECONDS = 420


class Results:
    def __init__(self):
        self.lines = []

    def add(self, group, outcome, name, why=""):
        self.lines.append((group, outcome, name, why))
        mark = {"pass": "ok", "fail": "not ok", "skip": "SKIP"}[outcome]
        print(f"{mark} {group}/{name}" + (f"{':' if outcome == 'skip' else ' #'} {why}" if why else ""), flush=True)

    def count(self, outcome):
        return sum(line[1] == outcome for line in self.lines)

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{outcome} {group}/{name}\n" for group, outcome, name, _ in self.lines))


@contextmanager
def serving(folder, **options):
    """The address of a fresh server, or of COMPAT_ADDRESS."""
    given = os.environ.get("COMPAT_ADDRESS")
    if given:
        yield given
        return
    with Server(folder, **options) as server:
        yield server.address
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with {server.process.returncode}: {server.tail()}")


def follow(results, group, args, **options):
    """Runs a program that prints ok/not ok lines; everything else it prints is kept for a failure."""
    other, seen = [], 0
    with subprocess.Popen(
        [str(arg) for arg in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    ) as process:
        for line in process.stdout:
            if line.startswith("ok "):
                results.add(group, "pass", line[3:].strip())
            elif line.startswith("not ok "):
                name, _, why = line[7:].strip().partition(" # ")
                results.add(group, "fail", name, why)
            else:
                other.append(line)
                continue
            seen += 1
        process.wait(GROUP_SECONDS)
    if process.returncode and not seen:
        results.add(group, "fail", "starts", " ".join("".join(other)[-600:].split()))
    if other and (process.returncode or any(line[0] == group and line[1] == "fail" for line in results.lines)):
        print("".join(f"    {line}" for line in other[-40:]), end="")


def typescript(results, folder, options):
    env = toolchains.node_env()
    project = toolchains.node_project(HERE / "typescript", env)
    with serving(folder) as address:
        env |= {"TEMPORAL_ADDRESS": address, "COMPAT_SERVER": command()[0]}
        tsx = project / "node_modules" / ".bin" / "tsx"
        follow(results, "typescript", [tsx, "compat.ts", options.only], cwd=project, env=env)


def python(results, folder, options):
    env = toolchains.python_env(HERE / "python" / "requirements.txt")
    with serving(folder) as address:
        env |= {"TEMPORAL_ADDRESS": address, "COMPAT_SERVER": command()[0]}
        follow(results, "python", [sys.executable, HERE / "python" / "compat.py", options.only], cwd=folder, env=env)


def go(results, folder, options):
    env = toolchains.go_env()
    binary = toolchains.go_build(HERE / "go", "compat.test", env, test=True)
    with serving(folder) as address:
        env |= {"TEMPORAL_ADDRESS": address}
        pattern = [] if options.only == "." else ["-test.run", "/" + options.only.replace(" ", "_")]
        follow(results, "go", [binary, *pattern], cwd=folder, env=env)


def java(results, folder, options):
    classes = toolchains.java_classes(HERE / "java")
    with serving(folder) as address:
        env = dict(os.environ, TEMPORAL_ADDRESS=address)
        follow(results, "java", ["java", "-cp", classes, "Compat", options.only], cwd=folder, env=env)


@contextmanager
def background(args, folder, **options):
    """A worker of an example, ended when its test is."""
    with open(pathlib.Path(folder) / "worker.log", "wb") as log:
        process = subprocess.Popen([str(arg) for arg in args], stdout=log, stderr=log, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def expect(results, name, args, *wanted, **options):
    """Runs a program that must succeed and print all of `wanted`."""
    done = subprocess.run(
        [str(arg) for arg in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, **options
    )
    missing = [text for text in wanted if text not in done.stdout]
    if done.returncode or missing:
        why = f"exit {done.returncode}, without {missing}: {' '.join(done.stdout.split())[-500:]}"
        results.add("examples", "fail", name, why)
    else:
        results.add("examples", "pass", name)


def example(results, name, body):
    try:
        body()
    except toolchains.Missing as err:
        results.add("examples", "skip", name, str(err))
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as err:
        results.add("examples", "fail", name, " ".join(str(err).split()))


def examples(results, folder, _options):
    with serving(folder) as address:
        where = {"TEMPORAL_ADDRESS": address}

        def order_saga():
            env = toolchains.node_env() | where
            project = toolchains.node_project(EXAMPLES / "typescript-order-saga", env)
            env["ORDER_LEDGER"] = str(pathlib.Path(folder) / "ledger.jsonl")
            tsx = project / "node_modules" / ".bin" / "tsx"
            with background([tsx, "src/worker.ts"], folder, cwd=project, env=env):
                wanted = ['"stage":"completed","tracking":"SK-plain', '"completed","tracking":"SK-large']
                wanted += ['"undone":["refund payment","release stock"]', "no unobtainium in stock"]
                expect(results, "typescript-order-saga", [tsx, "src/client.ts"], *wanted, cwd=project, env=env)

        def files():
            env = toolchains.go_env() | where
            binary = toolchains.go_build(EXAMPLES / "go", "example-files", env)
            with background([binary, "worker"], folder, env=env):
                expect(results, "go process", [binary, "process", "report"], "report holds 6 words", env=env)
                expect(results, "go progress", [binary, "progress", "report"], "counted 6 words", env=env)

        def subscription():
            env = toolchains.python_env(EXAMPLES / "python" / "requirements.txt") | where
            program = [sys.executable, EXAMPLES / "python" / "subscription.py"]
            with background([*program, "worker"], folder, env=env):
                expect(results, "python start", [*program, "start", "alice"], "started subscription-alice", env=env)
                expect(results, "python price", [*program, "price", "alice", "900"], env=env)
                expect(results, "python status", [*program, "status", "alice"], "cents=900", env=env)
                time.sleep(5)  # into the second run
                expect(results, "python status, later", [*program, "status", "alice"], "cents=900", env=env)
                expect(results, "python cancel", [*program, "cancel", "alice"], "goodbye, alice", env=env)

        example(results, "typescript-order-saga", order_saga)
        example(results, "go", files)
        example(results, "python", subscription)


def saga(results, folder, options):
    env = toolchains.node_env()
    project = toolchains.node_project(EXAMPLES / "typescript-order-saga", env)
    shutil.copy(HERE / "saga" / "worker.ts", project / "src" / "chaos-worker.ts")
    env |= toolchains.python_env(HERE / "python" / "requirements.txt") | {"PATH": env["PATH"]}
    args = [sys.executable, HERE / "saga" / "chaos.py", "--project", project, "--folder", folder]
    follow(results, "saga", [*args, "--rounds", str(options.rounds)], cwd=HERE, env=env)


def docs(results, folder, _options):
    stale = subprocess.run([sys.executable, HERE / "table.py", "--check"], capture_output=True, text=True)
    why = " ".join(stale.stderr.split())
    results.add("docs", "fail" if stale.returncode else "pass", "compatibility, tables", why)
    tools = {
        "TypeScript": toolchains.node_env,
        "Go": toolchains.go_env,
        "Python": toolchains.venv_env,
        "Java": lambda: toolchains.java_classes(HERE / "java") and toolchains.java_env(),  # Maven can fetch
    }
    for sdk, need in tools.items():
        try:
            env = need()
            args = [sys.executable, HERE / "docs.py", ROOT / "docs" / "quickstart.md", sdk, folder]
            follow(results, "docs", args, cwd=HERE, env=env)
        except toolchains.Missing as err:
            results.add("docs", "skip", sdk, str(err))


def cli(results, folder, _options):
    temporal = os.environ.get("TEMPORAL_CLI") or shutil.which("temporal")
    if not temporal:
        raise toolchains.Missing("no temporal command line; TEMPORAL_CLI names one")
    env = toolchains.python_env(EXAMPLES / "python" / "requirements.txt")
    with serving(folder) as address:
        env |= {"TEMPORAL_ADDRESS": address}
        with background([sys.executable, EXAMPLES / "python" / "subscription.py", "worker"], folder, env=env):
            follow(results, "cli", [sys.executable, HERE / "cli.py", temporal, address], cwd=folder)


GROUPS = {each.__name__: each for each in (typescript, python, go, java, examples, saga, docs, cli)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--only", default=".", help="regular expression over the names of the SDK groups' tests")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("COMPAT_ROUNDS", "10")), help="of the saga")
    options = parser.parse_args()
    unknown = set(options.groups) - set(GROUPS)
    if unknown:
        parser.error(f"unknown group {', '.join(unknown)}")
    results = Results()
    print(f"server: {os.environ.get('COMPAT_ADDRESS') or shlex.join(command())}", flush=True)
    for name in options.groups or GROUPS:
        if os.environ.get("COMPAT_ADDRESS") and name in ("saga", "docs"):
            results.add(name, "skip", "all", "it starts a server of its own")
            continue
        with tempfile.TemporaryDirectory(prefix=f"skald-{name}-") as folder:
            try:
                GROUPS[name](results, folder, options)
            except toolchains.Missing as err:
                results.add(name, "skip", "all", str(err))
            except (OSError, RuntimeError, subprocess.TimeoutExpired) as err:
                results.add(name, "fail", "all", " ".join(str(err).split()))
    results.write(pathlib.Path(os.environ.get("COMPAT_RESULTS") or ROOT / "build" / "compat-results.txt"))
    passed, failed, skipped = (results.count(outcome) for outcome in ("pass", "fail", "skip"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
