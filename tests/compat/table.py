#!/usr/bin/env python3
"""Writes the tables of docs/compatibility.md from the result files in results/.

    table.py            writes them between the page's markers
    table.py --check    fails if the page does not say what the files say

A result file has a line a test, "SKALD TEMPORAL NAME": the outcome (pass, fail, skip) here and on Temporal's own
server. Only what passes there counts. Tests belong to the first capability whose pattern they match; a capability
with a reason is not built yet, and a test that matches WAITS fails for the reason given there.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "compatibility.md"

UPDATES, SCHEDULES, NEXUS = "workflow updates", "schedules", "Nexus"
STANDALONE, VERSIONING, RESET = "standalone activities", "worker versioning", "workflow reset"

SUITES = {
    "go": [
        ("Nexus", NEXUS, r"nexus_test|ExecuteNexusOperation|TemporalOperation|NexusTracing"),
        ("worker versioning", VERSIONING, r"worker_deployment_test|worker_versioning_test|NoVersioningBehavior"),
        ("worker shutdown", None, r"WorkerPollComplete|CancelDeliveredWithout"),
        ("worker heartbeats", "worker heartbeats", r"worker_heartbeat_test"),
        ("schedules", SCHEDULES, r"TestSchedule|Context_\w*Schedule"),
        ("updates", UPDATES, r"Update(?!r)"),
        ("standalone activities", STANDALONE, r"ExecuteActivitySuite|Standalone"),
        ("pausing and changing activities", None, r"ActivityPause|ActivityReset|RetryOptionsChange"),
        ("reset", RESET, r"Reset"),
        ("payload limits", None, r"payload_limits_test"),
        ("worker tuner", None, r"worker_tuner_test|SlotSupplier|SlotsAvail|ResourceBased"),
        ("external payload storage", None, r"external_storage_test"),
        ("in process", None, r"NoGoroutineLeak|StructuredLogger|dynamic_workflows_test"),
        ("sessions", None, r"Session"),
        ("local activities", None, r"LocalActivit"),
        ("continue-as-new", None, r"ContinueAsNew"),
        ("child workflows", None, r"Child"),
        ("start options", None, r"StartDelay|SignalWithStart|WorkflowID|Eager|ConflictPolicy"),
        ("signals and queries", None, r"Signal|Query"),
        ("memo, metadata, priority", None, r"Memo|Metadata|Summary|Priority|RawValue|RootWorkflow"),
        ("search attributes", None, r"SearchAttr|Visibility|Count|List"),
        ("metrics, tracing, interceptors", None, r"Metric|Tracing|Intercept|Plugin|Telemetry|Tally|Propagator|Metering"),
        ("replay", None, r"Replay|NonDeterminism|SideEffect|Determinism|History"),
        ("activities", None, r"Activit"),
        ("cancellation and timers", None, r"Cancel|Timer|Await"),
        ("core", None, r"."),
    ],
    "java": [
        ("Nexus", NEXUS, r"[Nn]exus"),
        ("schedules", SCHEDULES, r"schedules"),
        ("standalone activities", STANDALONE, r"StandaloneAct|GetActivityResult|ActivityClientCalls|HeartbeatDuringW"),
        ("worker versioning", VERSIONING, r"WorkerVersioning|BuildId"),
        ("worker heartbeats", "worker heartbeats", r"worker\.WorkerHeartbeat"),
        ("updates", UPDATES, r"updateTest|\.Update|UnfinishedHandlers|StreamReserved"),
        ("local activities", None, r"Local"),
        ("activities", None, r"^activity|Activit|activityTests"),
        ("child workflows", None, r"Child"),
        ("continue-as-new", None, r"ContinueAsNew"),
        ("signals and queries", None, r"Signal|Query|queryTests"),
        ("memo, search attributes", None, r"searchattributes|Memo|SearchAttr"),
        ("versions, replay", None, r"versionTests|determinism|[Rr]eplay|SideEffect|GetVersion"),
        ("cancellation and timers", None, r"Cancel|Timer|cancellationTests"),
        ("workers", None, r"^worker"),
        ("clients", None, r"^client"),
        ("core", None, r"."),
    ],
    "typescript": [
        ("Nexus", NEXUS, r"nexus"),
        ("schedules", SCHEDULES, r"test-schedules"),
        ("standalone activities", STANDALONE, r"test-standalone"),
        ("updates", UPDATES, r"test-integration-update"),
        ("worker versioning", VERSIONING, r"deployment-versioning|test-worker-versioning"),
        ("time-skipping test server", "the test service", r"testenvironment"),
        ("async completion", None, r"test-async-completion"),
        ("activities and local activities", None, r"activit"),
        ("cancellation", None, r"cancellation"),
        ("payload codecs and limits", None, r"payload|extstore|codec|converter|serialization-context"),
        ("search attributes", None, r"typed-search"),
        ("signals, queries, patches", None, r"signal|patch"),
        ("metrics, tracing, logging, interceptors", None, r"metrics|interceptors|sinks|otel|prometheus|log|nyc|plugins"),
        ("connections, clients and environments", None, r"client|connection|ephemeral|envconfig|bridge|runtime|native|default-workflow"),
        ("start options, info and visibility", None, r"integration|workflow-start|workflow-info"),
        ("worker life cycle", None, r"."),
    ],
}

# Single tests of built capabilities that also need something that is not built yet.
WAITS = [
    (UPDATES, r"[Uu]pdate|Metric in Workflow works|Default handlers fail given reserved|query handlers and update"
              r"|CommandNotFound"),
    (SCHEDULES, r"[Ss]chedule"),
    (STANDALONE, r"[Ss]tandalone|ByActivityID"),
    (VERSIONING, r"WithVersioning"),
    (RESET, r"reseeded after workflow reset"),
]


def read(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            ours, theirs, name = line.split(" ", 2)
            yield ours, theirs, name


def table(suite):
    rows = {name: [0, 0, set(), reason] for name, reason, _ in SUITES[suite]}
    total = passed = 0
    for ours, theirs, name in read(HERE / "results" / f"{suite}.txt"):
        if theirs != "pass":
            continue
        key = name if suite == "go" else name.split("::")[0]  # a TypeScript file is about one thing
        row = rows[next(capability for capability, _, rx in SUITES[suite] if re.search(rx, key))]
        row[0] += 1
        total += 1
        if ours == "pass":
            row[1] += 1
            passed += 1
        elif not row[3]:
            why = next((reason for reason, rx in WAITS if re.search(rx, name)), None)
            row[2].add(f"waits for {why}" if why else name.split("::")[-1])
    lines = ["| capability | pass on Temporal | pass on Skald | the rest |", "|---|---:|---:|---|"]
    for name, (there, here, rest, reason) in sorted(rows.items(), key=lambda row: (bool(row[1][3]), row[0])):
        if there:
            text = f"not run: waits for {reason}" if reason else "; ".join(sorted(rest))
            lines.append(f"| {name} | {there} | {'' if reason else here} | {text} |")
    lines.append(f"| **total** | **{total}** | **{passed}** | |")
    return "\n".join(lines)


def main():
    page = PAGE.read_text()
    wanted = page
    for suite in SUITES:
        wanted = re.sub(
            rf"(<!-- {suite} -->\n).*?(<!-- /{suite} -->)",
            lambda found, text=table(suite): found.group(1) + text + "\n" + found.group(2),
            wanted,
            flags=re.S,
        )
    if "--check" in sys.argv:
        return 0 if page == wanted else f"{PAGE} is not what the result files say: run {sys.argv[0]}"
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
