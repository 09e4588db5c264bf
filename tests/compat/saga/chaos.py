"""The order saga while its server and its worker are killed at random moments.

Each round places orders and kills the server, the worker or both in the middle; the next round goes on with the same
state. In the end each order must have ended once, as its kind says; every call that was answered must be in a
history; every scheduled activity must have ended once; no attempt may have been handed out or completed twice. A
failing run prints its seed; --seed repeats its choices, though not its timing.
"""

import argparse
import asyncio
import collections
import json
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server import Server
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

ORDERS_A_ROUND = 6
PATIENCE_SECONDS = 150
LOST_CALLS = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.UNKNOWN)

# Kind of order: what is special about it, how it ends, what the ledger holds for it then.
KINDS = {
    "plain": ({"total": 1800, "paymentOutages": 1}, "completed", ["stock reserved", "payment charged", "parcel packed", "parcel delivered"]),
    "large": ({"total": 450000}, "completed", ["stock reserved", "payment charged", "parcel packed", "parcel delivered"]),
    "lost": ({"total": 900, "loseParcel": True}, "cancelled", ["stock reserved", "payment charged", "parcel packed", "payment refunded", "stock released"]),
    "none": ({"total": 900, "item": "unobtainium"}, "cancelled", []),
}

CLOSES = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "activity_task_completed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "activity_task_failed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "activity_task_timed_out_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "activity_task_canceled_event_attributes",
}


class Worker:
    def __init__(self, options, address):
        folder = pathlib.Path(options.folder)
        self.args = ["node_modules/.bin/tsx", "src/chaos-worker.ts"]
        self.project, self.log = options.project, folder / "worker.log"
        self.env = dict(
            os.environ,
            TEMPORAL_ADDRESS=address,
            WORKFLOW_BUNDLE=str(folder / "bundle.js"),
            ORDER_LEDGER=str(folder / "ledger.jsonl"),
            ORDER_ATTEMPTS=str(folder / "attempts.jsonl"),
        )
        subprocess.run(
            ["node_modules/.bin/tsx", "src/bundle.ts", self.env["WORKFLOW_BUNDLE"]],
            cwd=self.project, env=self.env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.args, cwd=self.project, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        self.wanted = True

    def kill(self):
        self.wanted = False
        try:
            os.killpg(self.process.pid, 9)  # tsx runs node in a child of its own
        except ProcessLookupError:
            pass  # it went by itself, see keep_up
        self.process.wait()

    async def keep_up(self):
        """Brings it back when it ends by itself, as it does when the server is away while it connects."""
        while True:
            await asyncio.sleep(0.3)
            if self.wanted and self.process.poll() is not None:
                self.start()


class Orders:
    """Places orders and approves large ones, through a server that comes and goes."""

    def __init__(self, client):
        self.client = client
        self.kinds = {}  # workflow id: kind
        self.approved = set()  # workflow ids whose signal was acknowledged

    async def insist(self, call):
        """Repeats a call until the server answers it, one way or the other."""
        while True:
            try:
                return await call()
            except RPCError as err:
                if err.status not in LOST_CALLS:
                    raise
                await asyncio.sleep(0.1)

    async def place(self, number, kind):
        order = {"id": f"{kind}-{number}", "item": "book", "quantity": 1, "approvalTimeoutMs": 600_000} | KINDS[kind][0]
        workflow_id = f"order-{order['id']}"

        async def start():
            try:
                await self.client.start_workflow(
                    "orderWorkflow", order, id=workflow_id, task_queue="orders",
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                )
            except WorkflowAlreadyStartedError:
                pass  # an earlier try got through, unheard

        await self.insist(start)
        self.kinds[workflow_id] = kind
        if kind == "large":
            await asyncio.sleep(random.random())
            handle = self.client.get_workflow_handle(workflow_id)
            try:
                await self.insist(lambda: handle.signal("approve", "the manager"))
                self.approved.add(workflow_id)
            except RPCError as err:
                assert err.status == RPCStatusCode.NOT_FOUND, err  # an earlier try got through and it ended

    async def outcome(self, workflow_id):
        return await self.insist(self.client.get_workflow_handle(workflow_id).result)


async def make_trouble(dice, server, worker):
    """Kills one or both after a while, and brings them back."""
    await asyncio.sleep(dice.uniform(0.05, 1.2))
    victims = dice.choice([[server], [server], [worker], [server, worker]])
    for victim in victims:
        victim.kill()
    await asyncio.sleep(dice.uniform(0, 0.5))
    for victim in victims:
        await asyncio.to_thread(victim.start)


def check_history(workflow_id, events):
    assert [event.event_id for event in events] == list(range(1, len(events) + 1)), f"{workflow_id}: event ids"
    ends = collections.Counter()
    scheduled = []
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled.append(event.event_id)
        elif event.event_type in CLOSES:
            ends[getattr(event, CLOSES[event.event_type]).scheduled_event_id] += 1
    for event_id in scheduled:
        assert ends[event_id] == 1, f"{workflow_id}: activity {event_id} ended {ends[event_id]} times"
    last = events[-1].event_type
    assert last == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, f"{workflow_id}: ends with {last}"


async def check_order(client, orders, workflow_id, result, ledger):
    kind = orders.kinds[workflow_id]
    _, stage, steps = KINDS[kind]
    assert result["stage"] == stage, f"{workflow_id}: {result}"
    order = workflow_id.removeprefix("order-")
    assert sorted(ledger[order]) == sorted(steps), f"{workflow_id}: ledger {ledger[order]}"

    runs = [one async for one in client.list_workflows(f"WorkflowId = '{workflow_id}'")]
    states = [one.status for one in runs]
    assert states == [WorkflowExecutionStatus.COMPLETED], f"{workflow_id}: runs {states}"
    children = [one async for one in client.list_workflows(f"WorkflowId = '{workflow_id}/shipping'")]
    assert len(children) == (0 if kind == "none" else 1), f"{workflow_id}: {len(children)} shipments"

    history = await client.get_workflow_handle(workflow_id).fetch_history()
    check_history(workflow_id, history.events)
    signals = [e for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
    assert len(signals) >= (workflow_id in orders.approved), f"{workflow_id}: an acknowledged signal is lost"


def check_attempts(file):
    """No attempt was handed out twice, none returned twice."""
    seen = collections.Counter()
    for line in file.read_text().splitlines():
        try:
            note = json.loads(line)
        except ValueError:
            continue  # the worker died while it wrote
        seen[note["what"], note["run"], note["activityId"], note["attempt"]] += 1
    twice = [key for key, count in seen.items() if count > 1]
    assert not twice, f"attempts seen twice: {twice}"
    return sum(key[0] == "start" for key in seen)


def read_ledger(file):
    ledger = collections.defaultdict(list)
    for line in file.read_text().splitlines():
        entry = json.loads(line)
        ledger[entry["order"]].append(entry["what"])
    return ledger


async def run_rounds(options, dice, server, worker):
    client = await Client.connect(server.address)
    orders = Orders(client)
    keeper = asyncio.create_task(worker.keep_up())
    placing = []
    for number in range(options.rounds):
        for i in range(ORDERS_A_ROUND):
            kind = dice.choice(list(KINDS))
            placing.append(asyncio.create_task(orders.place(number * ORDERS_A_ROUND + i, kind)))
        await make_trouble(dice, server, worker)
        await asyncio.sleep(dice.uniform(0.2, 1))
    await asyncio.wait_for(asyncio.gather(*placing), PATIENCE_SECONDS)
    ids = sorted(orders.kinds)
    results = await asyncio.wait_for(asyncio.gather(*map(orders.outcome, ids)), PATIENCE_SECONDS)
    keeper.cancel()

    folder = pathlib.Path(options.folder)
    ledger = read_ledger(folder / "ledger.jsonl")
    for workflow_id, result in zip(ids, results):
        await check_order(client, orders, workflow_id, result, ledger)
    print(f"ok {len(ids)} orders ended once, through {options.rounds} rounds of kills", flush=True)
    attempts = check_attempts(folder / "attempts.jsonl")
    print(f"ok {attempts} attempts, none handed out or completed twice", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", required=True, help="the example, with its packages")
    parser.add_argument("--folder", required=True, help="for state and logs")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    server = Server(options.folder)
    worker = Worker(options, server.address)
    server.start()
    worker.start()
    try:
        asyncio.run(run_rounds(options, random.Random(options.seed), server, worker))
    except (AssertionError, RPCError, asyncio.TimeoutError) as err:
        print(f"not ok orders through kills # seed {options.seed}: {type(err).__name__} {err}", flush=True)
        return 1
    finally:
        worker.kill()
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
