/*
 * A run with a history as long as wanted, made without an SDK's worker: its tasks are polled and
 * answered here, many commands at once.
 */
import type { Client } from '@temporalio/client';
import proto, { type temporal } from '@temporalio/proto';

const { CommandType } = proto.temporal.api.enums.v1;
type Command = temporal.api.command.v1.ICommand;

const ACTIVITIES_A_TASK = 40;
const MARKERS_A_TASK = 800;
const identity = 'history@generator';

const payloads = (value: unknown) => ({
  payloads: [
    {
      metadata: { encoding: Buffer.from('json/plain') },
      data: Buffer.from(JSON.stringify(value)),
    },
  ],
});

function activity(number: number, queue: string): Command {
  return {
    commandType: CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
    scheduleActivityTaskCommandAttributes: {
      activityId: `step-${number}`,
      activityType: { name: ['ReserveStock', 'ChargeCard', 'ShipOrder'][number % 3] },
      taskQueue: { name: queue },
      input: payloads({ order: number }),
      startToCloseTimeout: { seconds: 600 as never },
      scheduleToCloseTimeout: { seconds: 600 as never },
    },
  };
}

function marker(number: number): Command {
  return {
    commandType: CommandType.COMMAND_TYPE_RECORD_MARKER,
    recordMarkerCommandAttributes: {
      markerName: 'checkpoint',
      details: { state: payloads({ number }) },
    },
  };
}

/** Does the activities of one task; false when none came. */
async function work(client: Client, queue: string, count: number): Promise<void> {
  const { workflowService: api } = client;
  const { namespace } = client.options;
  const lane = async (share: number) => {
    for (let i = 0; i < share; i++) {
      const task = await api.pollActivityTaskQueue({ namespace, identity, taskQueue: { name: queue } });
      const result = payloads({ done: true });
      await api.respondActivityTaskCompleted({ namespace, identity, taskToken: task.taskToken, result });
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, n) => lane(Math.ceil((count - n) / 8))));
}

/** Starts a run of type LongOrder and brings its history to at least `events`; it stays open. */
export async function longHistory(client: Client, workflowId: string, events: number) {
  const { workflowService: api } = client;
  const { namespace } = client.options;
  const queue = `long-${workflowId}`;
  const run = await client.workflow.start('LongOrder', { workflowId, taskQueue: queue, args: [] });
  for (let reached = 0, activities = 0, markers = 0; ; ) {
    const task = await api.pollWorkflowTaskQueue({ namespace, identity, taskQueue: { name: queue } });
    reached = Number(task.startedEventId) + 1;
    const left = events - reached;
    const batch = left > 0 ? ACTIVITIES_A_TASK : 0;
    const plain = Math.max(0, Math.min(MARKERS_A_TASK, left - 3 * batch));
    const commands = [
      ...Array.from({ length: plain }, () => marker(markers++)),
      ...Array.from({ length: batch }, () => activity(activities++, queue)),
    ];
    await api.respondWorkflowTaskCompleted({ namespace, identity, taskToken: task.taskToken, commands });
    if (batch === 0) return { runId: run.firstExecutionRunId, events: reached };
    await work(client, queue, batch);
  }
}
