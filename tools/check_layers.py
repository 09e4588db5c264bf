#!/usr/bin/env python3
"""Checks that includes point down the layers only, and that each kept library is seen by its owner
alone (docs/architecture.md, "Layers"). Reads the #include lines of src/."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# folder: the folders it may include, besides itself
BELOW = {"base": set()}
BELOW["rt"] = {"base"}
BELOW["net"] = {"base", "rt"}
BELOW["wire"] = {"base", "rt"}
BELOW["rpc"] = BELOW["net"] | BELOW["wire"] | {"net", "wire"}
BELOW["figures"] = {"base", "rt"}
BELOW["store"] = BELOW["wire"] | {"wire"}
DOMAIN = BELOW["store"] | {"store", "figures", "matching", "visibility"}
BELOW["matching"] = DOMAIN
BELOW["visibility"] = DOMAIN - {"matching"}
BELOW["live"] = DOMAIN - {"matching", "figures"}
BELOW["engine"] = DOMAIN
BELOW["frontend"] = DOMAIN | {"engine", "live", "net", "rpc"}
BELOW["cli"] = BELOW["rpc"] | {"rpc"}
BELOW["web"] = BELOW["frontend"] | {"frontend"}
BELOW["main"] = BELOW["web"] | {"web", "cli"}

# system header: the only places that may include it
OWNERS = {
    r"uv\.h|uv/.*": ["src/rt/"],
    r"nghttp2/.*": ["src/net/"],
    r"http_parser\.h": ["src/net/"],
    r"openssl/.*": ["src/net/"],
    r"sqlite3\.h": ["src/store/sqlite/"],
    r"libpq-fe\.h": ["src/store/postgres/"],
    r"libdeflate\.h": ["src/net/"],
    r"yaml\.h": ["src/cli/", "src/main/"],
    r"xxhash\.h": ["src/base/"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
SQL = re.compile(r'"\s*(SELECT\s.*\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\s', re.I)


def check(path):
    name = path.relative_to(ROOT).as_posix()
    folder = name.split("/")[1]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        at = f"{name}:{number}"
        if SQL.search(line) and folder != "store":
            yield f"{at}: SQL stands in store folders only"
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(2)
        for pattern, owners in OWNERS.items():
            if re.fullmatch(pattern, target) and not name.startswith(tuple(owners)):
                yield f"{at}: only {' and '.join(owners)} may include <{target}>"
        layer = target.split("/")[0]
        if match.group(1) == '"' and layer in BELOW and "/" in target and layer != folder:
            if folder not in BELOW:
                yield f"{at}: folder {folder} has no place in tools/check_layers.py"
            elif layer not in BELOW[folder]:
                yield f"{at}: {folder} must not include {layer}: {target}"
            elif target.endswith("_internal.h"):
                yield f"{at}: {target} is private to {layer}"


def main():
    faults = [f for p in sorted((ROOT / "src").rglob("*.[ch]")) for f in check(p)]
    print("\n".join(faults) if faults else "layers: fine")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
