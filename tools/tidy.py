#!/usr/bin/env python3
"""Checks lengths and banned calls in src/ and tests/. Known excesses stand in tools/tidy.ratchet,
which may only shrink: `tools/tidy.py --update` rewrites it, and refuses to let a number grow.

Functions: at most 70 lines. Files: at most 800. Lines: at most 100 columns, no tabs or trailing
blanks. Tables (*.def) and the comment at the top of a file do not count towards its length.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATCHET = ROOT / "tools" / "tidy.ratchet"
FUNCTION_MAX, FILE_MAX, COLUMN_MAX = 70, 800, 100

BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|atol|"
                    r"atoll|atof|gmtime|localtime|ctime|asctime|rand|srand|time|alloca|gets|"
                    r"setjmp|longjmp)\s*\(")
HEAP = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|strdup|strndup)\s*\(")
# a name that protobuf-c made, which no line break shortens
GENERATED = re.compile(r"(?i)\b(temporal|skald|google|grpc)__\w{60,}")
UNWANTED = re.compile(r"\b(TODO|FIXME|XXX)\b")
DECLARATION = re.compile(r"^[A-Za-z_].*\(")


def strip(text):
    """The same lines with comments, strings and character literals blanked."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def functions(lines):
    """(first line, name, length) of each function: its brace stands alone in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            head = number_of_head(lines, start)
            name = re.search(r"(\w+)\s*\(", lines[head - 1])
            if name:
                yield head, name.group(1), number - start - 1
            start = None


def number_of_head(lines, brace):
    """The line at which the declaration before a brace starts."""
    at = brace - 1
    while at > 1 and not DECLARATION.match(lines[at - 1]) and lines[at - 1].strip():
        at -= 1
    return at


def check(path):
    """(key, value, text): findings; value 0 = never allowed, else a length for the ratchet."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text()
    lines, code = text.splitlines(), strip(text).splitlines()
    for number, line in enumerate(lines, 1):
        at = f"{name}:{number}"
        if len(line) > COLUMN_MAX and not GENERATED.search(line):
            yield f"{name} columns", len(line), f"{at}: {len(line)} columns"
        if "\t" in line or line != line.rstrip():
            yield "", 0, f"{at}: a tab or trailing blanks"
        if UNWANTED.search(line):
            yield "", 0, f"{at}: {UNWANTED.search(line).group(0)}: do it, or write NEEDSWORK and why"
    for number, line in enumerate(code, 1):
        found = BANNED.search(line)
        if found and not name.startswith("tests/") and path.name != "banned.h":
            yield "", 0, f"{name}:{number}: {found.group(1)} is banned (src/base/banned.h)"
        found = HEAP.search(line)
        if found and name.startswith("src/") and not name.startswith("src/base/"):
            yield "", 0, f"{name}:{number}: {found.group(1)}: use sk_mem_* or an arena"
    essay = len(re.match(r"(/\*.*?\*/\s*)?", text, re.S).group(0).splitlines())
    if len(lines) - essay > FILE_MAX:
        yield f"{name} lines", len(lines) - essay, f"{name}: {len(lines) - essay} lines"
    if path.suffix == ".c":
        for number, function, length in functions(code):
            if length > FUNCTION_MAX:
                yield f"{name} {function}", length, f"{name}:{number}: {function}: {length} lines"


def read_ratchet():
    if not RATCHET.exists():
        return {}
    rows = [line.rsplit(" ", 1) for line in RATCHET.read_text().splitlines() if line[:1] != "#"]
    return {key: int(value) for key, value in rows}


def main():
    known, found, faults = read_ratchet(), {}, []
    for top in ("src", "tests"):
        for path in sorted((ROOT / top).rglob("*.[ch]")):
            if "node_modules" in path.parts:
                continue
            for key, value, text in check(path):
                if key:
                    found[key] = max(value, found.get(key, 0))
                if not key or value > known.get(key, 0):
                    faults.append(text)
    if "--update" in sys.argv:
        grown = [k for k, v in found.items() if RATCHET.exists() and v > known.get(k, 0)]
        if grown and "--grow" not in sys.argv:
            sys.exit("these grew, so the ratchet stays: " + ", ".join(sorted(grown)))
        RATCHET.write_text("# Excesses that are known; may only shrink (tools/tidy.py).\n" + "".join(
            f"{key} {value}\n" for key, value in sorted(found.items())))
        print(f"tidy: {len(found)} known excesses")
        return 0
    print("\n".join(faults) if faults else "tidy: fine")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
