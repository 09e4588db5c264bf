"""Executes a section of the quickstart as a reader would: docs.py PAGE SECTION FOLDER.

The word after a fence's language says what the block is: a file name, `server` (the section "The server"),
`background` (left running), nothing (a command that must succeed), and a `text` block is what the command before it
must print. The server gets free ports, the rest finds it by TEMPORAL_ADDRESS; nothing else is changed.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

from server import Server

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
COMMAND_SECONDS = 240


def blocks(page, section):
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    return BLOCK.findall(found.group(1))


def shell(text, folder, env, stdout):
    return subprocess.Popen(
        ["sh", "-ec", text], cwd=folder, env=env, text=True, start_new_session=True,
        stdout=stdout, stderr=subprocess.STDOUT,
    )


def run(text, folder, env):
    process = shell(text, folder, env, subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"{text.strip()!r} does not end: {process.communicate()[0][-400:]}") from None
    assert process.returncode == 0, f"{text.strip()!r} exits {process.returncode}: {output[-600:]}"
    return output


def execute(section, folder, env, running):
    output = ""
    for language, word, text in section:
        if language == "text":
            assert text.strip() in output, f"no {text.strip()!r} in {output[-400:]!r}"
        elif language != "sh":
            (folder / word).write_text(text)
        elif word == "background":
            running.append(shell(text, folder, env, stdout=subprocess.DEVNULL))
        else:
            output = run(text, folder, env)


def main(page, name, folder):
    text = pathlib.Path(page).read_text()
    (_, _, command), = [block for block in blocks(text, "The server") if block[1] == "server"]
    flags = shlex.split(command)[3:]  # build/skald server start-dev ...
    folder = pathlib.Path(folder) / name
    folder.mkdir()
    state = folder / "server"
    state.mkdir()
    running = []
    with Server(state, extra=flags, headless=False) as server:
        try:
            execute(blocks(text, name), folder, dict(os.environ, TEMPORAL_ADDRESS=server.address), running)
            print(f"ok quickstart, {name}")
        except AssertionError as err:
            print(f"not ok quickstart, {name} # {' '.join(str(err).split())}")
        finally:
            for process in running:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


main(*sys.argv[1:])
