#!/usr/bin/env python3
"""Writes notices.c: the licences of everything that is inside or beside the binary.

The texts come from where Debian keeps them, /usr/share/doc/<package>/copyright, at build time, so
that they are those of the versions that are linked. The list below follows meson.build.
"""

import argparse
import pathlib
import sys

# package: what of it Skald uses
PACKAGES = {
    "libuv1": "the event loop",
    "libnghttp2-14": "HTTP/2",
    "libhttp-parser2.9": "HTTP/1.1",
    "libssl3": "TLS (OpenSSL)",
    "libprotobuf-c1": "protobuf messages",
    "libprotobuf-dev": "protobuf's well-known types",
    "libsqlite3-0": "the SQLite store",
    "libdeflate0": "gzip",
    "libjansson4": "JSON",
    "libyaml-0-2": "the configuration file",
    "libxxhash0": "hashing",
    "uthash-dev": "lists and tables",
}

HEAD = """\
Skald is licensed under the Apache License, Version 2.0.
It is not affiliated with Temporal Technologies.

It uses the following works of others.
"""


def section(title, text):
    return f"\n{'=' * 78}\n{title}\n{'=' * 78}\n\n{text.strip()}\n"


def notices(api_license, ui_licenses, doc):
    parts = [HEAD, section("Temporal API: the messages' descriptors",
                           api_license.read_text(errors="replace"))]
    for package, use in PACKAGES.items():
        path = doc / package / "copyright"
        if path.exists():
            text = path.read_text(errors="replace")
        else:
            print(f"{path} is missing; its licence text is left out", file=sys.stderr)
            text = "(the licence text was not on the machine that built this binary)"
        parts.append(section(f"{package}: {use}", text))
    ui = ui_licenses.read_text(errors="replace")
    if ui:
        parts.append(section("npm packages inside the web UI", ui))
    return "".join(parts)


def c_line(line):
    escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return '    "' + "".join(c if " " <= c < "\x7f" else
                             "".join(f"\\{b:03o}" for b in c.encode()) for c in escaped) + '\\n"\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--api-license", type=pathlib.Path, required=True)
    parser.add_argument("--ui-licenses", type=pathlib.Path, required=True)
    parser.add_argument("--doc", type=pathlib.Path, default=pathlib.Path("/usr/share/doc"))
    args = parser.parse_args()
    lines = notices(args.api_license, args.ui_licenses, args.doc).splitlines()
    args.out.write_text("/* Made by tools/gen_notices.py. */\nextern const char sk_notices[];\n"
                        "const char sk_notices[] =\n" + "".join(map(c_line, lines)) + ";\n")


if __name__ == "__main__":
    main()
