"""Workflows and activities for compat.py: small, one thing each."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Optional

from temporalio import activity, workflow
from temporalio.common import Priority, RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, TimeoutError


def explain(err: Optional[BaseException]) -> str:
    """ "ActivityError TIMEOUT < ApplicationError Flaky: message", for plain comparisons."""
    parts = []
    while err:
        detail = ""
        if isinstance(err, (ActivityError, ChildWorkflowError)):
            detail = f" {err.retry_state.name}" if err.retry_state else ""
        elif isinstance(err, TimeoutError):
            detail = f" {err.type.name}" if err.type else ""
        elif isinstance(err, ApplicationError):
            detail = f" {err.type}"
        parts.append(type(err).__name__ + detail)
        last, err = err, err.__cause__
    if isinstance(last, TimeoutError):
        return " < ".join(parts)
    message = last.message if isinstance(last, ApplicationError) else str(last)
    return " < ".join(parts) + f": {message}"


@activity.defn
async def echo(value: Any) -> Any:
    return value


@activity.defn
async def fail_times(failures: int) -> int:
    attempt = activity.info().attempt
    if attempt > failures:
        return attempt
    raise ApplicationError(f"attempt {attempt}", type="Flaky")


@activity.defn
async def fail_for_good() -> None:
    raise ApplicationError("never again", type="Final", non_retryable=True)


@activity.defn
async def hang() -> None:
    await asyncio.sleep(10)


@activity.defn
async def heartbeat_and_fail() -> Any:
    if activity.info().attempt > 1:
        return list(activity.info().heartbeat_details)
    activity.heartbeat("half way")
    await asyncio.sleep(0.1)
    raise ApplicationError("half way")


@activity.defn
async def wait_for_cancel() -> str:
    try:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return "tidied up"


@activity.defn
async def see_priority() -> list[Any]:
    priority = activity.info().priority
    return [priority.priority_key, priority.fairness_key, priority.fairness_weight]


handed_over = {}


@activity.defn
async def hand_over(key: str) -> str:
    handed_over[key] = activity.info()
    activity.raise_complete_async()


@dataclass
class Call:
    activity: str
    args: list[Any] = field(default_factory=list)
    attempts: int = 0  # 0: as many as it takes
    start_to_close: Optional[float] = None
    schedule_to_start: Optional[float] = None
    schedule_to_close: Optional[float] = None
    heartbeat: Optional[float] = None
    task_queue: Optional[str] = None
    local: bool = False


def seconds(value: Optional[float]) -> Optional[timedelta]:
    return timedelta(seconds=value) if value is not None else None


@workflow.defn
class CallWorkflow:
    @workflow.run
    async def run(self, call: Call) -> Any:
        options = {
            "args": call.args,
            "start_to_close_timeout": seconds(call.start_to_close or 60),
            "schedule_to_close_timeout": seconds(call.schedule_to_close),
            "retry_policy": RetryPolicy(
                initial_interval=timedelta(milliseconds=50),
                backoff_coefficient=1,
                maximum_attempts=call.attempts,
            ),
        }
        try:
            if call.local:
                return await workflow.execute_local_activity(call.activity, **options)
            return await workflow.execute_activity(
                call.activity,
                schedule_to_start_timeout=seconds(call.schedule_to_start),
                heartbeat_timeout=seconds(call.heartbeat),
                task_queue=call.task_queue,
                **options,
            )
        except ActivityError as err:
            return explain(err)


@workflow.defn
class CancelActivity:
    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self, cancellation_type: str) -> str:
        task = workflow.start_activity(
            wait_for_cancel,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=5),
            cancellation_type=workflow.ActivityCancellationType[cancellation_type],
        )
        await workflow.wait_condition(lambda: self.told)
        task.cancel()
        try:
            return await task
        except ActivityError as err:
            return explain(err)

    @workflow.signal
    def go(self) -> None:
        self.told = True


@workflow.defn
class Block:
    @workflow.run
    async def run(self, how: str) -> str:
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            if how == "swallow":
                return "went on"
            if how == "cleanup":
                await workflow.execute_activity(
                    echo, "cleaning", start_to_close_timeout=timedelta(minutes=1)
                )
            raise
        return "not reached"


@workflow.defn
class Timers:
    @workflow.run
    async def run(self) -> list[str]:
        log = []
        await asyncio.sleep(0.1)
        log.append("slept")
        try:
            await workflow.wait_condition(lambda: False, timeout=0.1)
        except asyncio.TimeoutError:
            log.append("timed out")
        return log


@workflow.defn
class ChildOfOurs:
    @workflow.run
    async def run(self, how: str) -> str:
        if how == "fail":
            raise ApplicationError("told to", type="Told", non_retryable=True)
        if how == "cancel":
            await workflow.wait_condition(lambda: False)
        return how


@workflow.defn
class Child:
    @workflow.run
    async def run(self, how: str) -> str:
        handle = await workflow.start_child_workflow(ChildOfOurs.run, how)
        if how == "cancel":
            await asyncio.sleep(0.1)
            handle.cancel()
        try:
            return await handle
        except ChildWorkflowError as err:
            return explain(err)


@workflow.defn
class LeaveChild:
    @workflow.run
    async def run(self, id_and_policy: list[str]) -> None:
        child, policy = id_and_policy
        await workflow.start_child_workflow(
            Block.run, "plain", id=child, parent_close_policy=workflow.ParentClosePolicy[policy]
        )


@workflow.defn
class CountDown:
    @workflow.run
    async def run(self, left: int) -> int:
        if left:
            workflow.continue_as_new(left - 1)
        return left


@workflow.defn
class FailRuns:
    @workflow.run
    async def run(self, failures: int) -> int:
        attempt = workflow.info().attempt
        if attempt <= failures:
            raise ApplicationError(f"run {attempt}")
        return attempt


@workflow.defn
class SeePriority:
    @workflow.run
    async def run(self) -> list[Any]:
        return await workflow.execute_activity(
            see_priority, start_to_close_timeout=timedelta(minutes=1), priority=Priority(priority_key=1)
        )


@workflow.defn
class Ticks:
    @workflow.run
    async def run(self) -> int:
        if workflow.has_last_completion_result():
            return workflow.get_last_completion_result(int) + 1
        return 1


@workflow.defn
class Collect:
    def __init__(self) -> None:
        self.got: list[Any] = []

    @workflow.run
    async def run(self, wanted: int) -> list[Any]:
        await workflow.wait_condition(lambda: len(self.got) >= wanted)
        return self.got

    @workflow.signal
    def go(self, value: Any) -> None:
        self.got.append(value)

    @workflow.query
    def seen(self) -> list[Any]:
        return self.got

    @workflow.query
    def fail(self) -> None:
        raise RuntimeError("the query fails")


@workflow.defn
class SignalOther:
    @workflow.run
    async def run(self, workflow_id: str) -> str:
        try:
            await workflow.get_external_workflow_handle(workflow_id).signal("go", "from outside")
            return "signalled"
        except ApplicationError as err:
            return explain(err)


@workflow.defn
class Upsert:
    @workflow.run
    async def run(self, number: int) -> None:
        key = SearchAttributeKey.for_int("CompatInt")
        workflow.upsert_search_attributes([key.value_set(number)])
        workflow.upsert_memo({"b": "upserted"})


@workflow.defn
class Versioned:
    @workflow.run
    async def run(self) -> str:
        first = "new" if workflow.patched("a-change") else "old"
        workflow.uuid4()
        await workflow.execute_activity(echo, 1, start_to_close_timeout=timedelta(minutes=1))
        return first


ACTIVITIES = [echo, fail_times, fail_for_good, hang, heartbeat_and_fail, wait_for_cancel, see_priority, hand_over]
WORKFLOWS = [
    CallWorkflow,
    CancelActivity,
    Block,
    Timers,
    ChildOfOurs,
    Child,
    LeaveChild,
    CountDown,
    FailRuns,
    SeePriority,
    Ticks,
    Collect,
    SignalOther,
    Upsert,
    Versioned,
]
