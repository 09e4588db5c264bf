/* A run with a history as long as wanted, in seconds. */
import type { Client } from '@temporalio/client';
import { activity, inLanes, marker, payloads } from './raw.ts';

const ACTIVITIES_A_TASK = 40;
const MARKERS_A_TASK = 800;
const TYPES = ['ReserveStock', 'ChargeCard', 'ShipOrder'];
const identity = 'history@generator';

/** Starts a run of type LongOrder and brings its history to at least `events`; it stays open. */
export async function longHistory(client: Client, workflowId: string, events: number) {
  const { workflowService: api } = client;
  const { namespace } = client.options;
  const name = `long-${workflowId}`;
  const poll = { namespace, identity, taskQueue: { name } };
  const run = await client.workflow.start('LongOrder', { workflowId, taskQueue: name, args: [] });
  for (let activities = 0, markers = 0; ; ) {
    const task = await api.pollWorkflowTaskQueue(poll);
    const reached = Number(task.startedEventId) + 1;
    const left = events - reached;
    const batch = left > 0 ? ACTIVITIES_A_TASK : 0;
    const plain = Math.max(0, Math.min(MARKERS_A_TASK, left - 3 * batch));
    const step = (n: number) => activity(`step-${n}`, TYPES[n % 3]!, name, { order: n });
    const commands = [
      ...Array.from({ length: plain }, () => marker('checkpoint', { number: markers++ })),
      ...Array.from({ length: batch }, () => step(activities++)),
    ];
    await api.respondWorkflowTaskCompleted({ namespace, identity, taskToken: task.taskToken, commands });
    if (batch === 0) return { runId: run.firstExecutionRunId, events: reached };
    await inLanes(8, batch, async () => {
      const { taskToken } = await api.pollActivityTaskQueue(poll);
      const result = payloads({ done: true });
      await api.respondActivityTaskCompleted({ namespace, identity, taskToken, result });
    });
  }
}
