import type { TaskQueueInfo } from '@/api/queues';
import { durationMs } from './proto';
import { queueStates, type QueueState, type State } from '@/design/states';

const reasons: Record<string, QueueState> = {
  IDLE_REASON_NO_POLLERS: 'unpolled',
  IDLE_REASON_OTHER_TYPE_ONLY: 'otherType',
  IDLE_REASON_POLLERS_GONE: 'gone',
  IDLE_REASON_POLLERS_BUSY: 'busy',
  IDLE_REASON_RATE_LIMITED: 'limited',
  IDLE_REASON_NOTHING_TO_DO: 'idle',
  IDLE_REASON_NEVER_USED: 'neverUsed',
};

/** A task that waits shorter than this is on its way. */
const patienceMs = 2000;

export function queueState(info: TaskQueueInfo): QueueState {
  const reason = reasons[info.idleReason ?? ''];
  const flows = (info.dispatchRate ?? 0) > 0;
  const fresh = flows && !(durationMs(info.backlogAge) >= patienceMs);
  if (reason) return reason === 'busy' && fresh ? 'flowing' : reason;
  const grows = Number(info.backlogCount ?? 0) > 0 && (info.addRate ?? 0) > (info.dispatchRate ?? 0);
  if (grows && !fresh) return 'growing';
  return flows ? 'flowing' : 'idle';
}

/** A queue that nobody polls is only of concern where something waits. */
export function shownState(info: TaskQueueInfo): State {
  const name = queueState(info);
  const state: State = queueStates[name];
  const waits = Number(info.backlogCount ?? 0) > 0 || (info.addRate ?? 0) > 0;
  return waits || state.tone !== 'amber' ? state : { ...state, tone: 'neutral' };
}

/** Those that need somebody first, then by what waits, then by name. */
export function byConcern(a: TaskQueueInfo, b: TaskQueueInfo): number {
  const concern = (info: TaskQueueInfo) => Number(shownState(info).tone === 'amber');
  return (
    concern(b) - concern(a) ||
    Number(b.backlogCount ?? 0) - Number(a.backlogCount ?? 0) ||
    (a.name ?? '').localeCompare(b.name ?? '') ||
    (a.type ?? '').localeCompare(b.type ?? '')
  );
}

/** A rate a second: two figures where it is small. */
export function rateWords(rate: number | undefined): string {
  if (!rate) return '0';
  if (rate < 0.01) return '<0.01';
  if (rate < 10) return rate.toFixed(2);
  return rate < 100 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en');
}

export interface Forecast {
  kind: 'drains' | 'grows' | 'stands';
  /** Until it is empty; or how much it grows a minute. */
  value: number;
}

/** What the backlog comes to if it goes on like this. */
export function forecast(info: TaskQueueInfo): Forecast | undefined {
  const backlog = Number(info.backlogCount ?? 0);
  if (backlog === 0) return undefined;
  const net = (info.dispatchRate ?? 0) - (info.addRate ?? 0);
  if (Math.abs(net) < 0.01) return { kind: 'stands', value: 0 };
  return net > 0 ? { kind: 'drains', value: (backlog / net) * 1000 } : { kind: 'grows', value: -net * 60 };
}
