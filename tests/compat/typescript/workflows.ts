/* Workflows for compat.ts: small, one thing each. */
import * as wf from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';

/** "ActivityFailure < TimeoutFailure START_TO_CLOSE: message", for plain comparisons. */
function explain(err: unknown): string {
  const parts: string[] = [];
  for (let at = err as Error | undefined; at instanceof Error; at = at.cause as Error | undefined) {
    const detail =
      at instanceof wf.TimeoutFailure
        ? ` ${at.timeoutType}`
        : at instanceof wf.ActivityFailure || at instanceof wf.ChildWorkflowFailure
          ? ` ${at.retryState}`
          : at instanceof wf.ApplicationFailure
            ? ` ${at.type}`
            : '';
    parts.push(at.constructor.name + detail);
  }
  return parts.join(' < ');
}

export async function call(options: wf.ActivityOptions, name: string, ...args: unknown[]) {
  const activities = wf.proxyActivities<Record<string, (...args: unknown[]) => Promise<unknown>>>({
    startToCloseTimeout: '1 minute',
    ...options,
  });
  try {
    return await activities[name](...args);
  } catch (err) {
    return explain(err);
  }
}

export async function callLocal(
  options: wf.LocalActivityOptions,
  name: string,
  ...args: unknown[]
) {
  const activities = wf.proxyLocalActivities<
    Record<string, (...args: unknown[]) => Promise<unknown>>
  >({ startToCloseTimeout: '1 minute', ...options });
  try {
    return await activities[name](...args);
  } catch (err) {
    return explain(err);
  }
}

export async function callMany(count: number): Promise<number> {
  const { echo } = wf.proxyActivities<{ echo(value: number): Promise<number> }>({
    startToCloseTimeout: '30 seconds',
  });
  const all = await Promise.all(Array.from({ length: count }, (_, i) => echo(i)));
  return all.reduce((sum, value) => sum + value, 0);
}

export const go = wf.defineSignal<[unknown?]>('go');
export const seen = wf.defineQuery<unknown[]>('seen');
export const fail = wf.defineQuery<void>('fail');

/** Starts an activity, cancels it when told to, says how it ended. */
export async function cancelActivity(cancellationType: wf.ActivityCancellationType) {
  let told = false;
  wf.setHandler(go, () => void (told = true));
  const { waitForCancel } = wf.proxyActivities<{ waitForCancel(): Promise<string> }>({
    startToCloseTimeout: '30 seconds',
    heartbeatTimeout: '5 seconds',
    cancellationType,
  });
  const scope = new wf.CancellationScope();
  const result = scope.run(() => waitForCancel()).catch(explain);
  await wf.condition(() => told);
  scope.cancel();
  return await result;
}

/** Collects signals until `wanted` came; queries show what is there. */
export async function collect(wanted: number, ...first: unknown[]): Promise<unknown[]> {
  const got: unknown[] = [...first];
  wf.setHandler(go, (value) => void got.push(value));
  wf.setHandler(seen, () => got);
  wf.setHandler(fail, () => {
    throw new Error('the query fails');
  });
  await wf.condition(() => got.length >= wanted);
  return got;
}

export async function block(how: 'plain' | 'cleanup' | 'swallow' = 'plain'): Promise<string> {
  try {
    await wf.CancellationScope.current().cancelRequested;
    return 'not reached';
  } catch (err) {
    if (how === 'swallow') return 'went on';
    if (how === 'cleanup')
      await wf.CancellationScope.nonCancellable(() => call({}, 'echo', 'cleaning'));
    throw err;
  }
}

export async function timers(): Promise<string[]> {
  const log: string[] = [];
  await Promise.all([
    wf.sleep(300).then(() => log.push('300')),
    wf.sleep(100).then(() => log.push('100')),
    wf.sleep(0).then(() => log.push('0')),
  ]);
  const scope = new wf.CancellationScope();
  const cancelled = scope.run(() => wf.sleep('1 hour')).catch(() => log.push('cancelled'));
  await wf.sleep(10);
  scope.cancel();
  await cancelled;
  if (!(await wf.condition(() => false, 50))) log.push('condition timed out');
  return log;
}

export async function manyTimers(count: number): Promise<number> {
  await Promise.all(Array.from({ length: count }, (_, i) => wf.sleep(10 + (i % 7) * 10)));
  return count;
}

export async function failWith(message: string): Promise<never> {
  throw wf.ApplicationFailure.nonRetryable(message, 'Told');
}

export async function child(options: wf.ChildWorkflowOptions, type: string, ...args: unknown[]) {
  try {
    return await wf.executeChild(type, { ...options, args });
  } catch (err) {
    return explain(err);
  }
}

/** Starts a blocked child, then closes at once. */
export async function leaveChild(id: string, parentClosePolicy: wf.ParentClosePolicy) {
  await wf.startChild(block, { workflowId: id, parentClosePolicy });
}

export async function cancelChild(id: string): Promise<string> {
  return await wf.CancellationScope.withTimeout(300, () =>
    wf.executeChild(block, { workflowId: id })
  ).catch(explain);
}

export async function signalChild(id: string): Promise<unknown> {
  const handle = await wf.startChild(collect, { workflowId: id, args: [2] });
  await handle.signal(go, 'one');
  await handle.signal(go, 'two');
  return await handle.result();
}

export async function countDown(from: number, path: number[] = []): Promise<number[]> {
  if (from === 0) return path;
  return await wf.continueAsNew<typeof countDown>(from - 1, [...path, from]);
}

export async function becomeOther(value: string): Promise<unknown> {
  const next = wf.makeContinueAsNewFunc({
    workflowType: 'call',
    memo: { left: value },
    workflowRunTimeout: '1 minute',
  });
  return await next({}, 'echo', `after ${value}`);
}

/** Each run of a cron or of a retried workflow sees what the one before left. */
export async function ticks(): Promise<number> {
  return ((wf.workflowInfo().lastResult as number | undefined) ?? 0) + 1;
}

export async function failRuns(failures: number): Promise<[number, string | undefined]> {
  const { attempt, lastFailure } = wf.workflowInfo();
  if (attempt <= failures) throw wf.ApplicationFailure.retryable(`run ${attempt}`);
  return [attempt, lastFailure?.message];
}

export async function signalOther(id: string): Promise<string> {
  try {
    await wf.getExternalWorkflowHandle(id).signal(go, 'from outside');
    return 'signalled';
  } catch (err) {
    return (err as Error).constructor.name;
  }
}

export async function cancelOther(id: string): Promise<string> {
  try {
    await wf.getExternalWorkflowHandle(id).cancel();
    return 'cancelled';
  } catch (err) {
    return (err as Error).constructor.name;
  }
}

export async function upsert(pairs: SearchAttributePair[], memo: Record<string, unknown>) {
  wf.upsertSearchAttributes(pairs);
  wf.upsertMemo(memo);
  await wf.sleep(1);
  return wf.workflowInfo().memo;
}

export async function versioned(): Promise<string> {
  const first = wf.patched('first-change') ? 'new' : 'old';
  await wf.sleep(1);
  wf.deprecatePatch('second-change');
  return first;
}

export async function facts() {
  const i = wf.workflowInfo();
  return {
    type: i.workflowType,
    attempt: i.attempt,
    taskQueue: i.taskQueue,
    namespace: i.namespace,
    parent: i.parent?.workflowId,
    root: i.root?.workflowId,
    executionTimeoutMs: i.executionTimeoutMs,
    runTimeoutMs: i.runTimeoutMs,
  };
}

/** Throws something that is no failure of Temporal's: the task fails and is tried again. */
export async function stumble(): Promise<string> {
  if (wf.workflowInfo().historyLength <= 3)
    throw new TypeError('a bug, fixed by the next deployment');
  return 'recovered';
}

export async function bytes(count: number): Promise<string> {
  return 'x'.repeat(count);
}
