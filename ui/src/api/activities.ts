import { identity } from './actions';
import { jsonPayload } from '@/model/payloads';
import { at, post, rpc } from './client';
import { encodeRequest } from './codec';
import type { RunId } from './executions';

export type ActivityChange =
  | { kind: 'pause'; reason: string }
  | { kind: 'unpause'; resetAttempts: boolean; resetHeartbeat: boolean }
  | { kind: 'reset'; keepPaused: boolean; resetHeartbeat: boolean };

/** Changes an activity that is pending. */
export function changeActivity({ ns, workflowId, runId }: RunId, id: string, change: ActivityChange): Promise<unknown> {
  const { kind, ...options } = change;
  return post(`${at`namespaces/${ns}/activities-deprecated`}/${kind}`, {
    execution: { workflowId, runId },
    identity: identity(),
    id,
    ...options,
  });
}

export type ActivityEnd =
  | { kind: 'complete'; result: string }
  | { kind: 'fail'; message: string; type: string; nonRetryable: boolean };

/** Answers for a worker: ends the attempt that runs. */
export async function finishActivity(run: RunId, activityId: string, end: ActivityEnd): Promise<unknown> {
  const { ns: namespace, workflowId, runId } = run;
  const attempt = { namespace, workflowId, runId, activityId, identity: identity() };
  if (end.kind === 'complete') {
    const result = end.result.trim() === '' ? undefined : { payloads: [jsonPayload(end.result)] };
    const { input } = await encodeRequest(namespace, { input: result });
    return rpc('RespondActivityTaskCompletedById', { ...attempt, ...(input ? { result: input } : {}) });
  }
  return rpc('RespondActivityTaskFailedById', {
    ...attempt,
    failure: {
      message: end.message,
      applicationFailureInfo: { type: end.type, nonRetryable: end.nonRetryable },
    },
  });
}
