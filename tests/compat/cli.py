"""The `temporal` command line against a server: cli.py TEMPORAL ADDRESS, with the subscription example's worker running."""

import subprocess
import sys
import time

BOB = '{"customer":"bob","cents":100,"period_seconds":0.2}'

# Name, arguments, what must be printed; a number waits that many seconds.
STEPS = [
    ("cluster health", "operator cluster health", "SERVING"),
    ("cluster describe", "operator cluster describe", ""),
    ("namespace create", "operator namespace create --namespace cli-ns --retention 72h --description first", ""),
    ("namespace update", "operator namespace update --namespace cli-ns --description second", ""),
    ("namespace describe", "operator namespace describe --namespace cli-ns", "second"),
    ("namespace list", "operator namespace list", "cli-ns"),
    ("search-attribute create", "operator search-attribute create --name CliKeyword --type Keyword", ""),
    ("search-attribute list", "operator search-attribute list", "CliKeyword"),
    ("workflow start", f"workflow start --type SubscriptionWorkflow --task-queue subscriptions --workflow-id cli-1 --input {BOB} "
                       '--search-attribute CliKeyword="x" --memo note="hello"', "cli-1"),
    1.5,
    ("workflow list", "workflow list --query CliKeyword='x'", "cli-1"),
    ("workflow count", "workflow count --query WorkflowType='SubscriptionWorkflow'", ""),
    ("workflow describe", "workflow describe -w cli-1", "SubscriptionWorkflow"),
    ("workflow show", "workflow show -w cli-1", "ActivityTaskCompleted"),
    ("workflow show as JSON", "workflow show -w cli-1 -o json", "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"),
    ("workflow signal", "workflow signal -w cli-1 --name set_price --input 900", ""),
    ("workflow query", "workflow query -w cli-1 --type status", "900"),
    ("workflow stack", "workflow stack -w cli-1", ""),
    ("workflow signal-with-start", "workflow signal-with-start --type SubscriptionWorkflow --task-queue subscriptions --workflow-id cli-2 "
                                   f"--input {BOB} --signal-name set_price --signal-input 7", ""),
    ("task-queue describe", "task-queue describe --task-queue subscriptions", ""),
    ("workflow cancel", "workflow cancel -w cli-1", ""),
    ("workflow result", "workflow result -w cli-1", "goodbye, bob"),
    ("workflow terminate", "workflow terminate -w cli-2 --reason bye", ""),
    ("workflow delete", "workflow delete -w cli-2 --yes", ""),
    ("search-attribute remove", "operator search-attribute remove --name CliKeyword --yes", ""),
    ("namespace delete", "operator namespace delete --namespace cli-ns --yes", ""),
]


def main(temporal, address):
    for step in STEPS:
        if isinstance(step, float):
            time.sleep(step)
            continue
        name, arguments, wanted = step
        command = [temporal, "--address", address, *arguments.split()]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
            good, output = done.returncode == 0 and wanted in done.stdout, done.stdout
        except subprocess.TimeoutExpired:
            good, output = False, "no answer in 30 s"
        print(f"ok {name}" if good else f"not ok {name} # {' '.join(output.split())[:300]}", flush=True)


main(*sys.argv[1:])
