#!/usr/bin/env python3
"""Builds the web UI and packs it for the binary.

The built UI is cached outside the tree by a digest of its sources, so that every build directory and
every checkout of the same sources shares one build. Node comes from tools/node.sh. Without Node, or
without its packages, the table is empty and says why: the server then answers one plain page.

Output, all in --out:
  web_assets.c    the table (src/web/assets.h)
  web_assets.S    takes in web_assets.bin
  web_assets.bin  the assets, gzip each
  ui_licenses.txt the notices of the npm packages inside
"""

import argparse
import contextlib
import fcntl
import gzip
import hashlib
import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NO_NODE = 69  # the status of tools/node.sh where there is none
KEEP = 8  # built UIs kept in the cache
SOURCES = ("index.html", "package.json", "package-lock.json", ".npmrc", "tsconfig.json",
           "vite.config.ts", "build", "public", "src")
NOT_SERVED = "licenses.txt"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")


class Absent(Exception):
    """There can be no UI in this build; the text says why."""


def source_files(ui):
    for name in SOURCES:
        path = ui / name
        if path.is_file():
            yield path
        elif path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and ".test." not in file.name:
                    yield file


def digest_of(ui):
    digest = hashlib.sha256()
    for file in source_files(ui):
        data = file.read_bytes()
        digest.update(f"{file.relative_to(ui)}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]


def run(root, *command):
    """A command in ui/, with a fitting Node."""
    env = dict(os.environ, CI="1", npm_config_fetch_retries="1",
               npm_config_fetch_retry_mintimeout="1000")
    done = subprocess.run([root / "tools" / "node.sh", *command], cwd=root / "ui", env=env,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode == NO_NODE:
        raise Absent(f"there was {done.stdout.strip().splitlines()[-1]}")
    return done


def install(root, ui):
    """npm ci, when the lock file is another one than last time."""
    stamp = ui / "node_modules" / ".skald-lock"
    wanted = hashlib.sha256((ui / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("web UI: installing its packages (and Node, where there is none)", file=sys.stderr)
    done = run(root, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        code = re.search(r"^npm error code (\S+)", done.stdout, re.M)
        if code and code[1] == "EUSAGE":
            sys.exit("ui/package-lock.json does not fit ui/package.json")
        raise Absent("its npm packages could not be had"
                     + (f" ({code[1]})" if code else ""))
    stamp.write_text(wanted)


def build(root, ui, target):
    """Vite's build of ui into target, which appears whole or not at all."""
    install(root, ui)
    print("web UI: building", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as temp:
        out = pathlib.Path(temp) / "dist"
        done = run(root, "npm", "run", "--silent", "build", "--", "--outDir", str(out), "--emptyOutDir")
        if done.returncode != 0:
            sys.exit(f"the web UI does not build:\n{done.stdout}")
        out.rename(target)


def prune(folder):
    builds = sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for old in builds[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def cache():
    """The folder of the built UIs, while nobody else builds or installs."""
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = folder / "skald" / "ui"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def built(root, ui, digest):
    """The folder of the built UI, from the cache or made now."""
    with cache() as folder:
        target = folder / digest
        if not target.is_dir():
            build(root, ui, target)
        os.utime(target)
        prune(folder)
    return target


def packages(root, ui):
    """ui/node_modules, for what needs more than the built UI."""
    try:
        with cache():
            install(root, ui)
    except Absent as reason:
        print(reason, file=sys.stderr)
        sys.exit(NO_NODE)


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def pack(dist):
    """(the bytes of all, the rows of the table)"""
    blob, rows = bytearray(), []
    for file in sorted(p for p in dist.rglob("*") if p.is_file()):
        path = file.relative_to(dist).as_posix()
        if path == NOT_SERVED or file.suffix == ".map":
            continue
        plain = file.read_bytes()
        packed = gzip.compress(plain, 9, mtime=0)
        etag = '"' + hashlib.sha256(plain).hexdigest()[:16] + '"'
        immutable = path.startswith("assets/") and HASHED.search(path)
        rows.append(f"    {{{c_string(path)}, {c_string(TYPES[file.suffix])}, "
                    f"sk_web_asset_bytes + {len(blob)}, {len(packed)}, {len(plain)}, "
                    f"{c_string(etag)}, {'true' if immutable else 'false'}}},\n")
        blob += packed
    return bytes(blob), rows


def write(path, data):
    """Only when it changes, so that nothing is compiled again for nothing."""
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=pathlib.Path)
    what.add_argument("--where", action="store_true", help="only print the folder of the built UI, which also "
                                                           "holds its source maps")
    what.add_argument("--packages", action="store_true", help="only install ui/node_modules; 69 where that cannot be")
    parser.add_argument("--absent", metavar="WHY", default="", help="an empty table that says why")
    args = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    ui = root / "ui"
    if args.packages:
        packages(root, ui)
        return
    if args.where:
        print(built(root, ui, digest_of(ui)))
        return
    blob, rows, digest, licences = b"", [], "", ""
    try:
        if not args.absent:
            digest = digest_of(ui)
            dist = built(root, ui, digest)
            blob, rows = pack(dist)
            licences = (dist / NOT_SERVED).read_text(encoding="utf-8")
    except Absent as reason:
        print(f"web UI: left out: {reason}", file=sys.stderr)
        args.absent, digest = f"when it was built, {reason}", ""
    absent = html.escape(" ".join(args.absent.split()))
    args.out.mkdir(parents=True, exist_ok=True)
    out = args.out.resolve()
    write(out / "web_assets.bin", blob)
    write(out / "ui_licenses.txt", licences.encode())
    # The blob's digest makes this file change with it.
    write(out / "web_assets.S", f"""\
/* Made by tools/ui_assets.py from ui/. {hashlib.sha256(blob).hexdigest()} */
    .section .rodata
    .global sk_web_asset_bytes
sk_web_asset_bytes:
    .incbin "{out}/web_assets.bin"
    .byte 0
    .section .note.GNU-stack, "", %progbits
""".encode())
    write(out / "web_assets.c", f"""\
/* Made by tools/ui_assets.py from ui/. */
#include "web/assets.h"

extern const unsigned char sk_web_asset_bytes[];

const struct sk_web_asset sk_web_assets[] = {{
{''.join(rows)}    {{0}}, // a table has at least one row
}};
const size_t sk_web_asset_count = {len(rows)};
const char sk_web_assets_absent[] = {c_string(absent)};
const char sk_web_ui_version[] = {c_string(digest)};
""".encode())


if __name__ == "__main__":
    main()
