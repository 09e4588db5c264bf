/* What a worker sends, without an SDK's worker: for stores that are filled quickly. */
import proto, { type temporal } from '@temporalio/proto';

export type Command = temporal.api.command.v1.ICommand;
const { CommandType } = proto.temporal.api.enums.v1;

export const payload = (value: unknown) => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(value)),
});

export const payloads = (...values: unknown[]) => ({ payloads: values.map(payload) });

const seconds = (count: number) => ({ seconds: count as never });

export function activity(id: string, type: string, queue: string, input: unknown): Command {
  return {
    commandType: CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
    scheduleActivityTaskCommandAttributes: {
      activityId: id,
      activityType: { name: type },
      taskQueue: { name: queue },
      input: payloads(input),
      startToCloseTimeout: seconds(600),
      scheduleToCloseTimeout: seconds(600),
    },
  };
}

export function marker(name: string, details: unknown): Command {
  return {
    commandType: CommandType.COMMAND_TYPE_RECORD_MARKER,
    recordMarkerCommandAttributes: { markerName: name, details: { state: payloads(details) } },
  };
}

export function complete(result: unknown): Command {
  return {
    commandType: CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
    completeWorkflowExecutionCommandAttributes: { result: payloads(result) },
  };
}

export function fail(message: string, type: string): Command {
  return {
    commandType: CommandType.COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
    failWorkflowExecutionCommandAttributes: {
      failure: { message, applicationFailureInfo: { type, nonRetryable: true } },
    },
  };
}

/** `count` times, in lanes side by side; each gets its number. */
export async function inLanes(
  lanes: number,
  count: number,
  each: (number: number) => Promise<unknown>
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await each(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
