/* Activities that behave as they are told. */
import { Context, activityInfo, cancelled, heartbeat, sleep } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CompleteAsyncError } from '@temporalio/activity';

export async function echo(value: unknown): Promise<unknown> {
  return value;
}

/** Fails its first `failures` attempts, then returns the attempt that succeeded. */
export async function failTimes(failures: number, delayMs?: number): Promise<number> {
  const { attempt } = activityInfo();
  if (attempt > failures) return attempt;
  throw ApplicationFailure.create({
    message: `attempt ${attempt}`,
    type: 'Flaky',
    ...(delayMs ? { nextRetryDelay: delayMs } : {}),
  });
}

export async function failForGood(type: string): Promise<void> {
  throw ApplicationFailure.nonRetryable('never again', type, { detail: 42 });
}

export async function hang(): Promise<void> {
  await Promise.race([sleep('1 minute'), cancelled()]);
}

/** Heartbeats its attempt and dies once; the next attempt returns what it finds. */
export async function heartbeatAndFail(): Promise<unknown> {
  const { attempt, heartbeatDetails } = activityInfo();
  if (attempt > 1) return heartbeatDetails;
  heartbeat({ reached: 'half way' });
  await sleep(100);
  throw ApplicationFailure.retryable('half way');
}

/** Heartbeats until told to stop, then says so. */
export async function waitForCancel(): Promise<string> {
  const beat = setInterval(() => heartbeat('alive'), 100);
  try {
    await cancelled();
    return 'not reached';
  } catch (err) {
    if (err instanceof CancelledFailure) return 'tidied up';
    throw err;
  } finally {
    clearInterval(beat);
  }
}

/** Leaves its task token for whoever completes it from outside. */
export const handedOver = new Map<string, { token: Uint8Array; activityId: string }>();

export async function handOver(key: string): Promise<string> {
  const { taskToken, activityId } = Context.current().info;
  handedOver.set(key, { token: taskToken, activityId });
  throw new CompleteAsyncError();
}

export async function info(): Promise<Record<string, unknown>> {
  const { attempt, taskQueue, workflowType, activityType, isLocal } = activityInfo();
  return { attempt, taskQueue, workflowType, activityType, isLocal };
}
