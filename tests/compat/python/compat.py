"""What an application sees of the server through the published Python SDK, a test a function.

TEMPORAL_ADDRESS is a server with the namespace `default` and the search attributes CompatKeyword and CompatInt;
COMPAT_SERVER the program that the SDK's local test environment may launch. An argument is a regular expression over
the names of the tests. The same file passes against Temporal's own dev server.
"""

import asyncio
import os
import re
import sys
import uuid
from datetime import timedelta

import workflows as w
from temporalio.api.common.v1 import WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import EventType, PendingActivityState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
    GetWorkflowExecutionHistoryRequest,
    StartWorkflowExecutionRequest,
)
from temporalio.client import (
    Client,
    WorkflowContinuedAsNewError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import (
    Priority,
    RawValue,
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker, WorkflowRunner

AT_ONCE = int(os.environ.get("COMPAT_JOBS", "8"))
LIMIT_SECONDS = 240
TASK_QUEUE = f"compat-{uuid.uuid4()}"
KEYWORD = SearchAttributeKey.for_keyword("CompatKeyword")
INT = SearchAttributeKey.for_int("CompatInt")

client: Client
tests = {}


def test(name):
    def add(body):
        tests[name] = body
        return body

    return add


async def start(run, *args, **options) -> WorkflowHandle:
    options = {"id": str(uuid.uuid4()), "task_queue": TASK_QUEUE} | options
    return await client.start_workflow(run, args=args, **options)


async def run(workflow, *args, **options):
    return await (await start(workflow, *args, **options)).result()


async def failure_of(handle: WorkflowHandle) -> str:
    """The classes of a failed workflow's error and its causes, the last one's message."""
    try:
        await handle.result()
    except WorkflowFailureError as err:
        return w.explain(err.cause)
    return "no failure"


async def eventually(what, holds, seconds=120):
    end = asyncio.get_running_loop().time() + seconds
    while True:
        value = await what()
        if holds(value):
            return value
        assert asyncio.get_running_loop().time() < end, f"still {value!r} after {seconds} s"
        await asyncio.sleep(0.1)


async def status_of(workflow_id):
    return (await client.get_workflow_handle(workflow_id).describe()).status


async def count_events(handle, event_type):
    return sum(event.event_type == event_type for event in (await handle.fetch_history()).events)


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def matches(pattern, text):
    assert re.search(pattern, text), f"{text!r} does not match {pattern!r}"


# ---- activities: options, activity, arguments, outcome ----

FAST = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1)
CALLS = {
    "activities: a result comes back": (w.Call("echo", [[1, None, "x"]]), [1, None, "x"]),
    "activities: retries until it succeeds": (w.Call("fail_times", [2]), 3),
    "activities: maximum attempts end it": (
        w.Call("fail_times", [9], attempts=2),
        "ActivityError MAXIMUM_ATTEMPTS_REACHED < ApplicationError Flaky: attempt 2",
    ),
    "activities: a non-retryable failure ends it": (
        w.Call("fail_for_good", []),
        "ActivityError NON_RETRYABLE_FAILURE < ApplicationError Final: never again",
    ),
    "activities: start-to-close timeout": (
        w.Call("hang", [], attempts=1, start_to_close=0.3),
        "ActivityError MAXIMUM_ATTEMPTS_REACHED < TimeoutError START_TO_CLOSE",
    ),
    "activities: schedule-to-start timeout": (
        w.Call("echo", [1], schedule_to_start=0.3, task_queue="nobody"),
        "ActivityError TIMEOUT < TimeoutError SCHEDULE_TO_START",
    ),
    "activities: schedule-to-close timeout": (
        w.Call("hang", [], schedule_to_close=4),
        "ActivityError TIMEOUT < TimeoutError SCHEDULE_TO_CLOSE",
    ),
    "activities: heartbeat timeout": (
        w.Call("hang", [], attempts=1, heartbeat=0.3),
        "ActivityError MAXIMUM_ATTEMPTS_REACHED < TimeoutError HEARTBEAT",
    ),
    "activities: heartbeat details reach the next attempt": (
        w.Call("heartbeat_and_fail", [], heartbeat=5),
        ["half way"],
    ),
    "local activities: a result comes back": (w.Call("echo", ["here"], local=True), "here"),
    "local activities: retries until it succeeds": (w.Call("fail_times", [2], local=True), 3),
}


def call_test(name, call, outcome):
    @test(name)
    async def body():
        equal(await run(w.CallWorkflow.run, call), outcome)


for row, (call, outcome) in CALLS.items():
    call_test(row, call, outcome)


@test("activities: cancelled")
async def _():
    async def cancel_started(cancellation_type):
        handle = await start(w.CancelActivity.run, cancellation_type)

        async def pending():
            return list((await handle.describe()).raw_description.pending_activities)

        started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        await eventually(pending, lambda all: all and all[0].state == started)
        await handle.signal(w.CancelActivity.go)
        return await handle.result()

    equal(await cancel_started("WAIT_CANCELLATION_COMPLETED"), "tidied up")
    matches("CancelledError", await cancel_started("TRY_CANCEL"))
    matches("CancelledError", await cancel_started("ABANDON"))


@test("async completion: complete, fail and report a cancellation")
async def _():
    async def handed_over(key):
        handle = await start(w.CallWorkflow.run, w.Call("hand_over", [key], attempts=1))
        info = await eventually(lambda: asyncio.sleep(0, w.handed_over.get(key)), bool)
        await asyncio.sleep(0.2)
        return handle, info

    handle, info = await handed_over("a")
    await client.get_async_activity_handle(task_token=info.task_token).complete("done outside")
    equal(await handle.result(), "done outside")

    handle, info = await handed_over("b")
    by_id = client.get_async_activity_handle(
        workflow_id=handle.id, run_id=None, activity_id=info.activity_id
    )
    await by_id.heartbeat("alive")
    await by_id.fail(RuntimeError("failed outside"))
    matches("ApplicationError RuntimeError: failed outside", await handle.result())


# ---- cancellation, children, runs that follow runs ----


@test("cancellation: of a workflow, with and without cleaning up")
async def _():
    for how, status in ("plain", "CANCELED"), ("cleanup", "CANCELED"), ("swallow", "COMPLETED"):
        handle = await start(w.Block.run, how)
        await handle.cancel()
        await failure_of(handle)
        equal((await status_of(handle.id)).name, status)


@test("cancellation: terminate")
async def _():
    handle = await start(w.Block.run, "plain")
    await handle.terminate(reason="enough")
    matches("TerminatedError: enough", await failure_of(handle))


@test("timers: sleep, wait with a timeout, execution timeout")
async def _():
    equal(await run(w.Timers.run), ["slept", "timed out"])
    handle = await start(w.Block.run, "plain", execution_timeout=timedelta(seconds=0.5))
    matches("TimeoutError", await failure_of(handle))


@test("child workflows: result, failure, cancellation")
async def _():
    equal(await run(w.Child.run, "ok"), "ok")
    equal(await run(w.Child.run, "fail"), "ChildWorkflowError RETRY_POLICY_NOT_SET < ApplicationError Told: told to")
    matches("CancelledError", await run(w.Child.run, "cancel"))


@test("child workflows: parent close policies")
async def _():
    for policy, status in ("TERMINATE", "TERMINATED"), ("ABANDON", "RUNNING"), ("REQUEST_CANCEL", "CANCELED"):
        child = str(uuid.uuid4())
        await run(w.LeaveChild.run, [child, policy])
        await eventually(lambda: status_of(child), lambda now: now.name == status)
        if status == "RUNNING":
            await client.get_workflow_handle(child).terminate()


@test("continue-as-new: the result is that of the last run")
async def _():
    handle = await start(w.CountDown.run, 3, memo={"kept": 1})
    equal(await handle.result(), 0)
    equal(await (await handle.describe()).memo(), {"kept": 1})
    first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    equal((await first.describe()).status, WorkflowExecutionStatus.CONTINUED_AS_NEW)
    try:
        await first.result(follow_runs=False)
        raise AssertionError("the first run has a result")
    except WorkflowContinuedAsNewError:
        pass


@test("cron and retry: a workflow with a retry policy, a cron")
async def _():
    equal(await run(w.FailRuns.run, 2, retry_policy=FAST), 3)
    cron = await start(w.Ticks.run, cron_schedule="@every 1s")
    query = f"WorkflowId = '{cron.id}' AND ExecutionStatus = 'Completed'"

    async def ticks():
        return (await client.count_workflows(query)).count

    await eventually(ticks, lambda count: count >= 2)
    await client.get_workflow_handle(cron.id).terminate()


# ---- signals, queries, visibility ----


@test("signals: in order, with start, from another workflow")
async def _():
    handle = await start(w.Collect.run, 20)
    for i in range(20):
        await handle.signal(w.Collect.go, i)
    equal(await handle.result(), list(range(20)))
    handle = await start(w.Collect.run, 2, start_signal="go", start_signal_args=["first"])
    equal(await run(w.SignalOther.run, handle.id), "signalled")
    equal(await handle.result(), ["first", "from outside"])
    matches("ApplicationError", await run(w.SignalOther.run, str(uuid.uuid4())))


@test("queries: live, after the close, with an error, unknown")
async def _():
    handle = await start(w.Collect.run, 1)
    equal(await handle.query(w.Collect.seen), [])
    await handle.signal(w.Collect.go, "a")
    await handle.result()
    equal(await handle.query(w.Collect.seen), ["a"])
    for name, message in ("fail", "the query fails"), ("unheard_of", "not found|expected but not|not registered"):
        try:
            await handle.query(name)
            raise AssertionError(f"query {name} was answered")
        except WorkflowQueryFailedError as err:
            matches(message, str(err))
    matches("sdk", str(await handle.query("__temporal_workflow_metadata", result_type=RawValue)))


@test("memo and search attributes: at start, upserted, listed, counted")
async def _():
    mark = str(uuid.uuid4())
    attributes = TypedSearchAttributes([SearchAttributePair(KEYWORD, mark)])
    handles = [await start(w.Upsert.run, i, memo={"a": i}, search_attributes=attributes) for i in range(3)]
    for handle in handles:
        await handle.result()
    description = await handles[2].describe()
    equal(await description.memo(), {"a": 2, "b": "upserted"})
    equal(description.typed_search_attributes[INT], 2)
    query = f"CompatKeyword = '{mark}' AND CompatInt > 0"

    async def count():
        return (await client.count_workflows(query)).count

    await eventually(count, lambda now: now == 2)
    listed = [one.id async for one in client.list_workflows(query, page_size=1)]
    equal(sorted(listed), sorted(handle.id for handle in handles[1:]))
    groups = (await client.count_workflows(f"CompatKeyword = '{mark}' GROUP BY ExecutionStatus")).groups
    equal([(list(group.group_values), group.count) for group in groups], [(["Completed"], 3)])


# ---- start options, versions, replay, history ----


@test("start options: ids, eager start, start delay, priority, summary")
async def _():
    handle = await start(w.Block.run, "plain", static_summary="in short", priority=Priority(priority_key=2))
    description = await handle.describe()
    equal(await description.static_summary(), "in short")
    try:
        await start(w.Block.run, "plain", id=handle.id)
        raise AssertionError("an open id was given twice")
    except WorkflowAlreadyStartedError as err:
        equal(err.workflow_id, handle.id)
    other = await start(w.Block.run, "plain", id=handle.id, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING)
    equal(other.result_run_id, handle.result_run_id)
    await handle.terminate()
    equal(await run(w.Ticks.run, request_eager_start=True), 1)
    began = asyncio.get_running_loop().time()
    await run(w.Ticks.run, start_delay=timedelta(seconds=1))
    assert asyncio.get_running_loop().time() - began > 0.95


@test("start options: fairness keys share a task queue by weight")
async def _():
    # Temporal's dev server does so with --dynamic-config-value matching.enableFairness=true
    queue = f"fair-{uuid.uuid4()}"
    handles = []
    for key, weight, count in (("many", 1, 30), ("few", 1, 5), ("heavy", 3, 20)):
        priority = Priority(fairness_key=key, fairness_weight=weight)
        handles += [(key, await start(w.Ticks.run, task_queue=queue, priority=priority)) for _ in range(count)]
    async with Worker(
        client,
        task_queue=queue,
        workflows=w.WORKFLOWS,
        workflow_runner=runner(),
        max_cached_workflows=0,
        max_concurrent_workflow_tasks=1,
        max_concurrent_workflow_task_polls=1,
    ):
        for _, handle in handles:
            await handle.result()
    order = []
    for key, handle in handles:
        started = (await handle.fetch_history()).events[2]
        equal(started.event_type, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED)
        order.append((started.event_time.ToNanoseconds(), key))
    first = [key for _, key in sorted(order)[:20]]
    assert 3 <= first.count("many") <= 5 and 3 <= first.count("few") <= 5, first
    tenant = Priority(priority_key=4, fairness_key="tenant", fairness_weight=2)
    equal(await run(w.SeePriority.run, priority=tenant), [1, "tenant", 2])


@test("versioning: patches, side effects")
async def _():
    handle = await start(w.Versioned.run)
    equal(await handle.result(), "new")
    equal(await count_events(handle, EventType.EVENT_TYPE_MARKER_RECORDED), 1)


@test("replay: fetched histories replay, other code is found out")
async def _():
    handles = [
        await start(w.Versioned.run),
        await start(w.CallWorkflow.run, w.Call("fail_times", [1])),
        await start(w.Child.run, "cancel"),
        await start(w.Timers.run),
    ]
    replayer = Replayer(workflows=w.WORKFLOWS, workflow_runner=runner())
    for handle in handles:
        await handle.result()
        await replayer.replay_workflow(await handle.fetch_history())
    history = await handles[3].fetch_history()
    history.events[0].workflow_execution_started_event_attributes.workflow_type.name = "Versioned"
    try:
        await replayer.replay_workflow(history)
        raise AssertionError("a history replayed on other code")
    except Exception as err:
        matches("[Nn]ondeterminism|TMPRL1100", str(err))


@test("history: event ids are contiguous over pages")
async def _():
    handle = await start(w.Collect.run, 12)
    for i in range(12):
        await handle.signal(w.Collect.go, i)
    await handle.result()
    token, ids = b"", []
    while True:
        page = await client.workflow_service.get_workflow_execution_history(
            GetWorkflowExecutionHistoryRequest(
                namespace="default",
                execution=WorkflowExecution(workflow_id=handle.id),
                maximum_page_size=3,
                next_page_token=token,
            )
        )
        ids += [event.event_id for event in page.history.events]
        token = page.next_page_token
        if not token:
            break
    equal(ids, list(range(1, len(ids) + 1)))


@test("errors: what is wrong is said")
async def _():
    request = StartWorkflowExecutionRequest(
        namespace="default", workflow_id="x", workflow_type=WorkflowType(name="x"), request_id=str(uuid.uuid4())
    )
    for change, code in (
        ({}, RPCStatusCode.INVALID_ARGUMENT),  # no task queue
        ({"namespace": "no-such-namespace"}, RPCStatusCode.NOT_FOUND),
        ({"workflow_id": "x" * 1001}, RPCStatusCode.INVALID_ARGUMENT),
        ({"request_id": "x" * 1001}, RPCStatusCode.INVALID_ARGUMENT),
    ):
        changed = StartWorkflowExecutionRequest()
        changed.CopyFrom(request)
        if change:
            changed.task_queue.CopyFrom(TaskQueue(name="x"))
        for field, value in change.items():
            setattr(changed, field, value)
        try:
            await client.workflow_service.start_workflow_execution(changed)
            raise AssertionError(f"accepted with {change}")
        except RPCError as err:
            equal((change, err.status), (change, code))


@test("task queues: pollers are described, capabilities are told")
async def _():
    request = DescribeTaskQueueRequest(
        namespace="default",
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )

    async def pollers():
        return (await client.workflow_service.describe_task_queue(request)).pollers

    await eventually(pollers, bool)
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    assert info.capabilities.signal_and_query_header and info.capabilities.eager_workflow_start
    assert info.capabilities.encoded_failure_attributes and info.server_version


@test("environments: the SDK launches the server and runs a workflow")
async def _():
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=os.environ["COMPAT_SERVER"], dev_server_log_level="error"
    ) as environment:
        async with make_worker(environment.client):
            answer = await environment.client.execute_workflow(
                w.CallWorkflow.run, w.Call("echo", ["launched"]), id="launched", task_queue=TASK_QUEUE
            )
            equal(answer, "launched")


# ---- the runner ----


def runner() -> WorkflowRunner:
    from temporalio.worker import UnsandboxedWorkflowRunner

    return UnsandboxedWorkflowRunner()


def make_worker(for_client: Client) -> Worker:
    return Worker(
        for_client,
        task_queue=TASK_QUEUE,
        workflows=w.WORKFLOWS,
        activities=w.ACTIVITIES,
        workflow_runner=runner(),
        default_heartbeat_throttle_interval=timedelta(milliseconds=200),
        max_heartbeat_throttle_interval=timedelta(milliseconds=200),
    )


async def run_one(name, body, lanes):
    async with lanes:
        try:
            await asyncio.wait_for(body(), LIMIT_SECONDS)
            print(f"ok {name}", flush=True)
        except Exception as err:
            why = re.sub(r"\s+", " ", f"{type(err).__name__}: {err} {err.__cause__ or ''}")
            print(f"not ok {name} # {why[:400]}", flush=True)


async def main(pattern):
    global client
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"))
    lanes = asyncio.Semaphore(AT_ONCE)
    async with make_worker(client):
        await asyncio.gather(*(run_one(n, b, lanes) for n, b in tests.items() if re.search(pattern, n)))


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "."))
