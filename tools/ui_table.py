#!/usr/bin/env python3
"""Writes the table of operational actions in docs/ui.md from what the browser tests say.

    ui_table.py            writes it between the page's markers
    ui_table.py --check    fails if the page does not say what the results say

The results are build/browser-results.txt (tests/browser/run.py), a line a test: "pass FILE: NAME [13, 14]", where
the numbers are the rows that the test proves. A row is done if a test proves it and none of those fails. What waits
for a method says which, as long as src/frontend/methods.def has it as not built.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ui.md"
RESULTS = ROOT / "build" / "browser-results.txt"
METHODS = ROOT / "src" / "frontend" / "methods.def"
BEGIN, END = "<!-- actions: begin (tools/ui_table.py) -->", "<!-- actions: end -->"
TEST = re.compile(r"(pass|fail|skip) (.+?) \[([\d, ]+)\]$")

BATCH, SCHEDULE = "StartBatchOperation", "CreateSchedule"
# What operators do with the command line: the action, where it is in the UI, the methods that it needs.
ACTIONS = (
    ("List executions by query", "Workflows", ()),
    ("Count, by status", "Workflows", ()),
    ("Describe an execution", "one execution", ()),
    ("Show its history", "one execution, History", ()),
    ("Follow a history live", "one execution, History", ()),
    ("Trace an execution with its children", "one execution, Relations", ()),
    ("Stack trace", "one execution, Queries", ()),
    ("Query with arguments", "one execution, Queries", ()),
    ("Start a workflow, all options", "Start", ()),
    ("Signal", "Signal", ()),
    ("Signal-with-start, update-with-start", "Start", ("ExecuteMultiOperation",)),
    ("Send an update, wait for its result", "", ("UpdateWorkflowExecution",)),
    ("Cancel", "Cancel", ()),
    ("Terminate with a reason", "Terminate", ()),
    ("Delete an execution", "Delete", ()),
    ("Reset to an event", "", ("ResetWorkflowExecution",)),
    ("Reset by type, by build id, with new options", "", ("ResetWorkflowExecution",)),
    ("Pause and unpause a workflow", "", ("PauseWorkflowExecution",)),
    ("Override an execution's versioning", "", ("UpdateWorkflowExecutionOptions",)),
    ("Batch cancel, terminate by query", "", (BATCH,)),
    ("Batch signal", "", (BATCH,)),
    ("Batch reset", "", (BATCH, "ResetWorkflowExecution")),
    ("Batch delete, update options", "", (BATCH, "UpdateWorkflowExecutionOptions")),
    ("Batch activity unpause, reset, options", "", (BATCH,)),
    ("List and describe batch jobs", "", ("ListBatchOperations",)),
    ("Stop a batch job", "", ("StopBatchOperation",)),
    ("Limit a batch's rate", "", (BATCH,)),
    ("Pause, unpause, reset an activity", "one execution, Pending", ()),
    ("Update an activity's options", "", ("UpdateActivityOptions",)),
    ("Complete or fail an activity by hand", "one execution, Pending", ()),
    ("Standalone activity: start, cancel, terminate", "", ("StartActivityExecution",)),
    ("List and describe schedules", "", ("ListSchedules",)),
    ("Create a schedule", "", (SCHEDULE,)),
    ("Update a schedule", "", ("UpdateSchedule",)),
    ("Pause and unpause a schedule", "", ("PatchSchedule",)),
    ("Trigger a schedule", "", ("PatchSchedule",)),
    ("Backfill a schedule", "", ("PatchSchedule",)),
    ("Delete a schedule", "", ("DeleteSchedule",)),
    ("A task queue's pollers", "Task queues", ()),
    ("A task queue's backlog and rates", "Task queues", ()),
    ("A task queue's rate limit, fairness", "", ("UpdateTaskQueueConfig",)),
    ("List and describe workers", "Workers", ()),
    ("Create and delete deployments and versions", "", ("CreateWorkerDeployment",)),
    ("Set the current, the ramping version", "", ("SetWorkerDeploymentCurrentVersion",)),
    ("List and describe namespaces", "Namespaces", ()),
    ("Create a namespace", "Namespaces", ()),
    ("Update a namespace (retention and so on)", "Settings", ()),
    ("Delete a namespace", "Settings", ()),
    ("List search attributes", "Settings", ()),
    ("Add and remove search attributes", "Settings", ()),
    ("Nexus endpoints", "", ("CreateNexusEndpoint",)),
    ("Nexus operation: start, cancel, terminate", "", ("StartNexusOperationExecution",)),
    ("Health, description, members of the cluster", "Home", ()),
    ("Archived list and history", "", ("archival, which Skald has not",)),
    ("Dead letters: inspect, redrive, purge", "", ("replication, which Skald has not",)),
)


def waiting():
    """Methods that are not built."""
    return set(re.findall(r"^SK_METHOD_LATER(?:_WORKER)?\(\w+, (\w+),", METHODS.read_text(), re.M))


def proofs():
    """By row: (outcome, test) of each test that names it."""
    found = {}
    for line in RESULTS.read_text().splitlines():
        match = TEST.match(line)
        if match:
            for number in map(int, re.findall(r"\d+", match[3])):
                found.setdefault(number, []).append((match[1], match[2]))
    unknown = [number for number in found if not 1 <= number <= len(ACTIONS)]
    if unknown:
        sys.exit(f"there is no row {unknown}")
    return found


def row(number, tests, later):
    action, where, needs = ACTIONS[number - 1]
    missing = [f"`{name}`" for name in needs if name in later] or [name for name in needs if " " in name]
    if tests and all(outcome == "pass" for outcome, _ in tests):
        part = f"; waits for {', '.join(missing)}" if missing else ""
        done, proof = "in part" if missing else "yes", "; ".join(name for _, name in tests) + part
    else:
        done, proof = "no", f"waits for {', '.join(missing)}" if missing else "not in the UI yet"
        where = ""
    return done, f"| {number} | {action} | {done} | {where} | {proof} |"


def table():
    found, later = proofs(), waiting()
    rows = [row(number, found.get(number), later) for number in range(1, len(ACTIONS) + 1)]
    count = {done: sum(state == done for state, _ in rows) for done in ("yes", "in part", "no")}
    head = f"Of {len(rows)} actions {count['yes']} are in the UI, {count['in part']} in part, {count['no']} not."
    lines = [BEGIN, head, "", "| # | Action | In the UI | Where | Proved by, or what it waits for |",
             "|---|---|---|---|---|", *(text for _, text in rows), END]
    return "\n".join(lines)


def main():
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        sys.exit(f"{PAGE.name} has no markers")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    new = before + table() + after
    if "--check" in sys.argv:
        if new != page:
            sys.exit(f"{PAGE.relative_to(ROOT)} does not say what the tests say: run tools/ui_table.py")
    else:
        PAGE.write_text(new)


if __name__ == "__main__":
    main()
