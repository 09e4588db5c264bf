import { strings } from '@/strings';

/**
 * The one table of states: what each is called, its mark and its colour. Red is only for failed and
 * timed out, amber for what needs a person, the accent for what is under way; what is over and well,
 * or was ended on purpose, is neutral. Marks differ in shape, so that colour is never the only sign.
 */

export type Tone = 'accent' | 'neutral' | 'red' | 'amber';

export type Mark =
  | 'running'
  | 'waiting'
  | 'retrying'
  | 'done'
  | 'failed'
  | 'clock'
  | 'canceled'
  | 'stopped'
  | 'continued'
  | 'paused'
  | 'attention'
  | 'idle'
  | 'received';

export interface State {
  word: string;
  mark: Mark;
  tone: Tone;
}

const words = strings.states;

export const workflowStates = {
  Running: { word: words.running, mark: 'running', tone: 'accent' },
  Completed: { word: words.completed, mark: 'done', tone: 'neutral' },
  Failed: { word: words.failed, mark: 'failed', tone: 'red' },
  TimedOut: { word: words.timedOut, mark: 'clock', tone: 'red' },
  Canceled: { word: words.canceled, mark: 'canceled', tone: 'neutral' },
  Terminated: { word: words.terminated, mark: 'stopped', tone: 'neutral' },
  ContinuedAsNew: { word: words.continuedAsNew, mark: 'continued', tone: 'neutral' },
  Paused: { word: words.paused, mark: 'paused', tone: 'amber' },
} satisfies Record<string, State>;

export type WorkflowStatus = keyof typeof workflowStates;

/** Steps of a run: activities, timers, children, signals and the like. */
export const stepStates = {
  scheduled: { word: words.scheduled, mark: 'waiting', tone: 'neutral' },
  running: { word: words.running, mark: 'running', tone: 'accent' },
  retrying: { word: words.retrying, mark: 'retrying', tone: 'amber' },
  paused: { word: words.paused, mark: 'paused', tone: 'amber' },
  cancelRequested: { word: words.cancelRequested, mark: 'canceled', tone: 'accent' },
  completed: { word: words.completed, mark: 'done', tone: 'neutral' },
  failed: { word: words.failed, mark: 'failed', tone: 'red' },
  timedOut: { word: words.timedOut, mark: 'clock', tone: 'red' },
  canceled: { word: words.canceled, mark: 'canceled', tone: 'neutral' },
  terminated: { word: words.terminated, mark: 'stopped', tone: 'neutral' },
  continuedAsNew: { word: words.continuedAsNew, mark: 'continued', tone: 'neutral' },
  fired: { word: words.fired, mark: 'done', tone: 'neutral' },
  rejected: { word: words.rejected, mark: 'canceled', tone: 'amber' },
  received: { word: words.received, mark: 'received', tone: 'neutral' },
  recorded: { word: words.recorded, mark: 'received', tone: 'neutral' },
} satisfies Record<string, State>;

export type StepState = keyof typeof stepStates;

export const workerStates = {
  working: { word: words.working, mark: 'running', tone: 'accent' },
  idle: { word: words.idle, mark: 'idle', tone: 'neutral' },
  shuttingDown: { word: words.shuttingDown, mark: 'stopped', tone: 'neutral' },
  gone: { word: words.gone, mark: 'attention', tone: 'amber' },
} satisfies Record<string, State>;

export type WorkerState = keyof typeof workerStates;

export const queueStates = {
  flowing: { word: words.flowing, mark: 'running', tone: 'accent' },
  idle: { word: words.idle, mark: 'idle', tone: 'neutral' },
  growing: { word: words.growing, mark: 'attention', tone: 'amber' },
  unpolled: { word: words.unpolled, mark: 'attention', tone: 'amber' },
  gone: { word: words.pollersGone, mark: 'attention', tone: 'amber' },
  otherType: { word: words.otherType, mark: 'attention', tone: 'amber' },
  busy: { word: words.busy, mark: 'attention', tone: 'amber' },
  limited: { word: words.limited, mark: 'paused', tone: 'amber' },
  neverUsed: { word: words.neverUsed, mark: 'idle', tone: 'neutral' },
} satisfies Record<string, State>;

export type QueueState = keyof typeof queueStates;

export const unknownState: State = { word: words.unknown, mark: 'idle', tone: 'neutral' };

/** `WORKFLOW_EXECUTION_STATUS_TIMED_OUT` as `TimedOut`, the word of the query language. */
export function statusName(status: string | undefined): WorkflowStatus | undefined {
  const name = (status ?? '')
    .replace(/^WORKFLOW_EXECUTION_STATUS_/, '')
    .toLowerCase()
    .replace(/(^|_)([a-z])/g, (_all, _sep, letter: string) => letter.toUpperCase());
  return Object.hasOwn(workflowStates, name) ? (name as WorkflowStatus) : undefined;
}

export function workflowState(status: string | undefined): State {
  const name = statusName(status);
  return name ? workflowStates[name] : unknownState;
}
