/* What the tests share: the client, a worker, and ways to start, run and wait. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  WorkflowFailedError,
  type WorkflowHandle,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import * as activities from './activities';
import * as workflows from './workflows';

export const TASK_QUEUE = `compat-${randomUUID()}`;
export const keyword = defineSearchAttributeKey('CompatKeyword', SearchAttributeType.KEYWORD);
export const int = defineSearchAttributeKey('CompatInt', SearchAttributeType.INT);
export const EventType = temporal.api.enums.v1.EventType;

export let client: Client;
export let bundle: { code: string };

type Flow = (...args: any[]) => Promise<any>;
export type Extra = Partial<WorkflowStartOptions>;

export async function start(type: Flow | string, args: unknown[] = [], extra: Extra = {}) {
  const options = { taskQueue: TASK_QUEUE, workflowId: randomUUID(), args, ...extra };
  return await client.workflow.start(type as Flow, options as WorkflowStartOptions<Flow>);
}

export async function run(
  type: Flow | string,
  args: unknown[] = [],
  extra: Extra = {}
): Promise<unknown> {
  return await (await start(type, args, extra)).result();
}

/** The messages of a failed workflow's error and of its causes. */
export async function failureOf(handle: WorkflowHandle): Promise<string> {
  try {
    await handle.result();
  } catch (err) {
    assert(err instanceof WorkflowFailedError, `${err}`);
    const parts: string[] = [];
    for (let at = err.cause; at; at = at.cause as Error | undefined)
      parts.push(`${at.name}: ${at.message}`);
    return parts.join(' < ');
  }
  return 'no failure';
}

export async function eventually<T>(
  what: () => Promise<T>,
  holds: (value: T) => boolean
): Promise<T> {
  for (const end = Date.now() + 120_000; ; ) {
    const value = await what();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(value)} after 2 minutes`);
    await sleep(100);
  }
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const statusOf = async (id: string) =>
  (await client.workflow.getHandle(id).describe()).status.name;

export async function eventsOf(handle: WorkflowHandle, type: number): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => event.eventType === type).length;
}

/** Runs cancelActivity, and tells it to cancel once a worker has the activity. */
export async function cancelStarted(type: string): Promise<unknown> {
  const handle = await start(workflows.cancelActivity, [type]);
  await eventually(
    async () => (await handle.describe()).raw.pendingActivities ?? [],
    ([one]) =>
      one?.state === temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
  );
  await handle.signal(workflows.go);
  return await handle.result();
}

/* Activity options: one attempt, quick retries. */
export const once = { retry: { maximumAttempts: 1 } };
export const fast = { retry: { initialInterval: 50, backoffCoefficient: 1 } };

export async function makeWorker(connection: NativeConnection): Promise<Worker> {
  return await Worker.create({
    connection,
    taskQueue: TASK_QUEUE,
    workflowBundle: bundle,
    activities,
    shutdownGraceTime: '1 second',
    shutdownForceTime: '5 seconds',
    maxHeartbeatThrottleInterval: '200 milliseconds',
    defaultHeartbeatThrottleInterval: '200 milliseconds',
  });
}

/** Connects, bundles the workflows, and runs a worker for as long as `body` takes. */
export async function withWorker(body: () => Promise<void>): Promise<void> {
  const address = process.env.TEMPORAL_ADDRESS ?? '127.0.0.1:7233';
  const logger = new DefaultLogger('ERROR', () => undefined);
  Runtime.install({ logger });
  const connection = await Connection.connect({ address });
  client = new Client({ connection });
  bundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./workflows'), logger });
  const native = await NativeConnection.connect({ address });
  const worker = await makeWorker(native);
  await worker.runUntil(body());
  await native.close();
  await connection.close();
}
