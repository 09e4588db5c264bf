"""A subscription that bills its customer every period until it is cancelled.

    python subscription.py worker                  # runs workflows and activities
    python subscription.py start CUSTOMER          # starts a subscription, prints its id
    python subscription.py status CUSTOMER         # asks it how it stands
    python subscription.py price CUSTOMER CENTS    # changes the price from the next bill on
    python subscription.py cancel CUSTOMER         # ends it with a farewell

TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where the server is.
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.worker import Worker

TASK_QUEUE = "subscriptions"


@dataclass
class Subscription:
    customer: str
    cents: int = 500
    period_seconds: float = 1.0
    billed: int = 0  # how many bills so far
    total: int = 0  # what they came to


@activity.defn
async def bill(customer: str, number: int, cents: int) -> int:
    """Fails on the first attempt of every third bill, as real providers do."""
    if number % 3 == 0 and activity.info().attempt == 1:
        raise ApplicationError("the payment provider answers 503")
    activity.logger.info("bill %d for %s: %d cents", number, customer, cents)
    return cents


@activity.defn
async def say_farewell(customer: str) -> str:
    return f"goodbye, {customer}"


@workflow.defn
class SubscriptionWorkflow:
    """One run bills BILLS_A_RUN times and goes on in a new run, so that no history grows for ever."""

    BILLS_A_RUN = 4

    @workflow.init
    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription

    @workflow.run
    async def run(self, subscription: Subscription) -> str:
        options = {
            "start_to_close_timeout": timedelta(seconds=10),
            "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=100)),
        }
        state = self.subscription
        try:
            for _ in range(self.BILLS_A_RUN):
                args = [state.customer, state.billed + 1, state.cents]
                state.total += await workflow.execute_activity(bill, args=args, **options)
                state.billed += 1
                await asyncio.sleep(state.period_seconds)
        except (asyncio.CancelledError, ActivityError) as err:
            if not is_cancelled_exception(err):
                raise
            return await workflow.execute_activity(say_farewell, state.customer, **options)
        workflow.continue_as_new(state)

    @workflow.signal
    def set_price(self, cents: int) -> None:
        self.subscription.cents = cents

    @workflow.query
    def status(self) -> Subscription:
        return self.subscription


async def main(verb: str, *args: str) -> None:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"),
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
    )
    if verb == "worker":
        worker = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[SubscriptionWorkflow],
            activities=[bill, say_farewell],
        )
        print(f"worker on task queue {TASK_QUEUE}", flush=True)
        await worker.run()
        return

    customer = args[0]
    handle = client.get_workflow_handle_for(SubscriptionWorkflow.run, f"subscription-{customer}")
    if verb == "start":
        await client.start_workflow(
            SubscriptionWorkflow.run,
            Subscription(customer),
            id=handle.id,
            task_queue=TASK_QUEUE,
        )
        print(f"started {handle.id}")
    elif verb == "status":
        print(await handle.query(SubscriptionWorkflow.status))
    elif verb == "price":
        await handle.signal(SubscriptionWorkflow.set_price, int(args[1]))
    elif verb == "cancel":
        await handle.cancel()
        print(await handle.result())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
