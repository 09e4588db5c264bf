/** Who worked on a run, as its events say. */

import type { TaskQueue } from './proto';
import type { HistoryLog } from './history';

export interface WorkerShare {
  readonly identity: string;
  tasks: number;
  activities: number;
  lastMs: number;
}

/** By identity, latest first. Each task and activity counts once, where it was started. */
export function workersOf(log: HistoryLog): WorkerShare[] {
  const found = new Map<string, WorkerShare>();
  for (let i = 0; i < log.size; i++) {
    const event = log.at(i);
    if (!event || event.kind.role !== 'start') continue;
    const identity = event.attributes['identity'];
    if (typeof identity !== 'string' || identity === '') continue;
    const one = found.get(identity) ?? { identity, tasks: 0, activities: 0, lastMs: 0 };
    found.set(identity, one);
    if (event.kind.step === 'task') one.tasks++;
    else one.activities++;
    one.lastMs = Math.max(one.lastMs, event.timeMs);
  }
  return [...found.values()].sort((a, b) => b.lastMs - a.lastMs);
}

/** Queues that the run's activities went to, other than its own. */
export function otherQueues(log: HistoryLog, own: string | undefined): string[] {
  const names = new Set<string>();
  for (const step of log.steps()) {
    if (step.kind !== 'activity' || !step.open) continue;
    const name = (step.open.attributes['taskQueue'] as TaskQueue | undefined)?.name;
    if (name && name !== own) names.add(name);
  }
  return [...names].sort();
}
