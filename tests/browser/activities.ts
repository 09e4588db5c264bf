/* Activities that behave as they are told. */
import { activityInfo, cancelled, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

export async function reserve(item: string, count: number) {
  return { item, count, shelf: 'A-17' };
}

export async function charge(item: string, count: number) {
  return { item, cents: 1999 * count, account: 9_007_199_254_740_991 };
}

export async function ship(item: string): Promise<string> {
  return `SK-${item}`;
}

/** Fails its first `failures` attempts. */
export async function flaky(failures: number): Promise<number> {
  const { attempt } = activityInfo();
  if (attempt > failures) return attempt;
  throw ApplicationFailure.create({
    message: `the carrier did not answer (attempt ${attempt})`,
    type: 'CarrierDown',
  });
}

/** Heartbeats until it is told to stop. */
export async function hang(): Promise<void> {
  const beat = setInterval(() => heartbeat({ alive: true }), 100);
  try {
    await cancelled();
  } finally {
    clearInterval(beat);
  }
}
