import { identity } from './actions';
import { at, post } from './client';
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
