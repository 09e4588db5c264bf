/* What the tests' worker runs: each shape that a screen has to show. */
import * as wf from '@temporalio/workflow';
import type * as all from './activities.ts';

const { reserve, charge, ship, flaky, hang } = wf.proxyActivities<typeof all>({
  startToCloseTimeout: '30 seconds',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: 200, backoffCoefficient: 1 },
});

export const approve = wf.defineSignal<[unknown?]>('approve');
export const state = wf.defineQuery<unknown>('state');
export const total = wf.defineQuery<number, [number, number]>('total');

/** Three activities, one after the other. */
export async function order(item: string, count = 1): Promise<unknown> {
  const stock = await reserve(item, count);
  const payment = await charge(item, count);
  return { stock, payment, tracking: await ship(item) };
}

/** Waits until it is approved; tells what it got so far. */
export async function approval(...first: unknown[]): Promise<unknown> {
  const got: unknown[] = [];
  wf.setHandler(approve, (value) => void got.push(value ?? null));
  wf.setHandler(state, () => ({ waiting: got.length === 0, first, got }));
  wf.setHandler(total, (a, b) => a + b);
  await wf.condition(() => got.length > 0);
  return got;
}

/** An activity that fails `failures` times and then succeeds. */
export async function troubled(failures: number): Promise<number> {
  return await flaky(failures);
}

export async function failing(message: string): Promise<never> {
  throw wf.ApplicationFailure.nonRetryable(message, 'OutOfStock', { item: 'book', left: 0 });
}

/** Children, a timer and an activity side by side. */
export async function family(prefix: string): Promise<unknown> {
  const quick = wf.executeChild(order, { workflowId: `${prefix}-quick`, args: ['book'] });
  const slow = wf.executeChild(approval, { workflowId: `${prefix}-slow` });
  const all = [quick, slow, wf.sleep(300), reserve('paper', 2)];
  return (await Promise.all(all)).length;
}

/** Runs until it is cancelled or terminated. */
export async function forever(): Promise<void> {
  await wf.sleep('365 days');
}

/** An activity that heartbeats until it is told to stop. */
export async function busy(): Promise<void> {
  await hang();
}

/** Fails as a whole until its attempt is the one wanted. */
export async function stubborn(failures: number): Promise<number> {
  const { attempt } = wf.workflowInfo();
  if (attempt <= failures) throw wf.ApplicationFailure.retryable(`attempt ${attempt} is not the one`, 'NotYet');
  return attempt;
}

export async function countDown(from: number): Promise<number> {
  if (from === 0) return 0;
  return await wf.continueAsNew<typeof countDown>(from - 1);
}

/** `size` bytes of result. */
export async function large(size: number): Promise<string> {
  return 'x'.repeat(size);
}

/** Says what it is, so that a test sees which options arrived. */
export async function facts(...args: unknown[]) {
  const { memo, taskQueue, executionTimeoutMs, runTimeoutMs, cronSchedule, retryPolicy } =
    wf.workflowInfo() as wf.WorkflowInfo & { cronSchedule?: string; retryPolicy?: unknown };
  return { args, memo, taskQueue, executionTimeoutMs, runTimeoutMs, cronSchedule, retryPolicy };
}
