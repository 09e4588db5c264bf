/**
 * The waterfall of a run: one row a step, its time split into waiting in a queue, running, and waiting to
 * be tried again; workflow tasks, signals and markers as lanes. Rows are the steps themselves: what is
 * drawn of one is computed when it comes into view, so that 50,000 events cost a list and nothing more.
 *
 * History tells of an activity's last attempt alone: what lies between its scheduling and that attempt's
 * start is one stretch, "earlier attempts". For a pending activity the server's description tells more.
 */

import type { Category, Outcome } from './events';
import type { EventView, Step } from './history';
import type { Gap, TimeAxis } from './idle';
import type { Tick } from './time';
import { durationMs, idOf, timeMs, type Execution, type PendingActivity, type PendingChild } from './proto';

export type SegmentKind =
  /** Waits in a task queue for a worker, or for the server to start a child. */
  | 'queue'
  /** A worker has it. */
  | 'run'
  /** An attempt that failed and was tried again. */
  | 'failed'
  /** Attempts before the last, of which history keeps no times. */
  | 'earlier'
  /** Waits until the next attempt. */
  | 'retryWait'
  /** A timer, counting. */
  | 'timer'
  /** Its beginning is on a page that is not loaded yet. */
  | 'unknown';

export interface Segment {
  readonly kind: SegmentKind;
  readonly fromMs: number;
  readonly toMs: number;
  /** Ends with the present, and so grows. */
  readonly growing: boolean;
  readonly attempt?: number;
}

export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly segments: readonly Segment[];
  readonly outcome: Outcome | undefined;
  /** When something is due that lies ahead: a timer, a next attempt. */
  readonly dueMs?: number;
  readonly attempts: number;
}

export interface TimelineContext {
  readonly nowMs: number;
  /** Where the run starts; what has no loaded beginning is drawn from here. */
  readonly startMs: number;
  /** When the run closed; NaN while it is open. */
  readonly closeMs: number;
  readonly pending: PendingIndex;
}

/** What the server says of unfinished steps, found by the step's first event. */
export interface PendingIndex {
  readonly activities: ReadonlyMap<string, PendingActivity>;
  readonly children: ReadonlyMap<number, PendingChild>;
}

export function pendingIndex(
  activities: readonly PendingActivity[] = [],
  children: readonly PendingChild[] = [],
): PendingIndex {
  return {
    activities: new Map(activities.map((a) => [a.activityId ?? '', a])),
    children: new Map(children.map((c) => [idOf(c.initiatedId), c])),
  };
}

export const nothingPending: PendingIndex = pendingIndex();

export function pendingActivityOf(step: Step, pending: PendingIndex): PendingActivity | undefined {
  if (step.kind !== 'activity' || step.close) return undefined;
  const id = step.open?.attributes['activityId'];
  return typeof id === 'string' ? pending.activities.get(id) : undefined;
}

/** Whether a step still goes on, as far as is known. */
export function isPending(step: Step, context: Pick<TimelineContext, 'closeMs'>): boolean {
  if (step.close || !Number.isNaN(context.closeMs)) return false;
  return step.open !== undefined || step.start !== undefined;
}

/** The state to show: a pending activity's own, which history does not tell. */
export function outcomeNow(step: Step, context: TimelineContext): Outcome | undefined {
  const activity = pendingActivityOf(step, context.pending);
  if (!activity) return step.outcome;
  if (activity.paused) return 'paused';
  if (activity.state === 'PENDING_ACTIVITY_STATE_STARTED') return 'running';
  return (activity.attempt ?? 1) > 1 ? 'retrying' : 'scheduled';
}

class Stretch {
  readonly segments: Segment[] = [];
  constructor(private readonly nowMs: number) {}

  add(kind: SegmentKind, fromMs: number, toMs: number, attempt?: number): void {
    if (Number.isNaN(fromMs)) return;
    const growing = Number.isNaN(toMs);
    const end = growing ? Math.max(this.nowMs, fromMs) : toMs;
    if (end < fromMs) return;
    this.segments.push({
      kind,
      fromMs,
      toMs: end,
      growing,
      ...(attempt === undefined ? {} : { attempt }),
    });
  }
}

function at(event: EventView | undefined): number {
  return event ? event.timeMs : NaN;
}

/** What of a step to draw. */
export function stepBar(step: Step, context: TimelineContext): Bar {
  const out = new Stretch(context.nowMs);
  const pending = pendingActivityOf(step, context.pending);
  const end = endOf(step, context);
  const attempts = pending?.attempt ?? Number(step.start?.attributes['attempt'] ?? 1);
  if (!step.open && step.events[0] && isSpan(step)) unknownBegin(step, context, out);
  if (pending) pendingSegments(step, pending, context, out);
  else if (step.kind === 'timer') out.add('timer', at(step.open), end);
  else if (isSpan(step)) spanSegments(step, attempts, end, out);
  const due = dueOf(step, pending);
  const first = step.events[0];
  const segments = out.segments;
  return {
    fromMs: segments[0]?.fromMs ?? at(first),
    toMs: segments.at(-1)?.toMs ?? at(first),
    segments,
    outcome: outcomeNow(step, context),
    attempts,
    ...(Number.isNaN(due) || due <= context.nowMs || step.close ? {} : { dueMs: due }),
  };
}

/** A step that has a length, rather than being an instant. */
export function isSpan(step: Step): boolean {
  return (
    step.kind !== 'signal' &&
    step.kind !== 'marker' &&
    step.kind !== 'workflow' &&
    step.kind !== 'other'
  );
}

function endOf(step: Step, context: TimelineContext): number {
  if (step.close) return step.close.timeMs;
  return context.closeMs;
}

function unknownBegin(step: Step, context: TimelineContext, out: Stretch): void {
  const known = step.start ?? step.close;
  out.add('unknown', context.startMs, at(known));
}

function spanSegments(step: Step, attempts: number, end: number, out: Stretch): void {
  const open = at(step.open);
  const start = at(step.start);
  if (Number.isNaN(start)) {
    out.add(step.kind === 'update' ? 'run' : 'queue', open, end);
    return;
  }
  out.add(attempts > 1 && step.kind === 'activity' ? 'earlier' : 'queue', open, start);
  out.add('run', start, end, attempts);
}

function pendingSegments(
  step: Step,
  pending: PendingActivity,
  context: TimelineContext,
  out: Stretch,
): void {
  const opened = at(step.open);
  const attempt = pending.attempt ?? 1;
  const started = timeMs(pending.lastStartedTime);
  const ended = timeMs(pending.lastAttemptCompleteTime);
  const next = timeMs(pending.nextAttemptScheduleTime);
  const running = pending.state !== 'PENDING_ACTIVITY_STATE_SCHEDULED' && !Number.isNaN(started);
  if (attempt <= 1) {
    out.add('queue', opened, running ? started : NaN);
    if (running) out.add('run', started, NaN, 1);
    return;
  }
  if (running) {
    const scheduled = timeMs(pending.scheduledTime);
    const queued = scheduled > opened && scheduled <= started ? scheduled : started;
    out.add('earlier', opened, queued);
    if (queued < started) out.add('queue', queued, started);
    out.add('run', started, NaN, attempt);
    return;
  }
  const lastRun = started > opened && ended >= started;
  const waits = Number.isNaN(ended) ? opened : ended;
  out.add('earlier', opened, lastRun ? started : waits);
  if (lastRun) out.add('failed', started, ended, attempt - 1);
  // Once the wait is over, the time of the next attempt is the time that it was scheduled.
  const due = Number.isNaN(next) ? timeMs(pending.scheduledTime) : next;
  if (!(due >= waits) || due > context.nowMs) {
    out.add('retryWait', waits, NaN, attempt);
    return;
  }
  out.add('retryWait', waits, due, attempt);
  out.add('queue', due, NaN, attempt);
}

function dueOf(step: Step, pending: PendingActivity | undefined): number {
  if (step.kind === 'timer' && step.open) {
    const span = step.open.attributes['startToFireTimeout'];
    return step.open.timeMs + durationMs(typeof span === 'string' ? span : undefined);
  }
  return pending && pending.state === 'PENDING_ACTIVITY_STATE_SCHEDULED'
    ? timeMs(pending.nextAttemptScheduleTime)
    : NaN;
}

/** How long a step waited, ran and waited again, in all. */
export function timeShares(bar: Bar): Record<SegmentKind, number> {
  const sums: Record<SegmentKind, number> = {
    queue: 0,
    run: 0,
    failed: 0,
    earlier: 0,
    retryWait: 0,
    timer: 0,
    unknown: 0,
  };
  for (const s of bar.segments) sums[s.kind] += s.toMs - s.fromMs;
  return sums;
}

/** The child that a step started, to nest its own rows under it. */
export function childOf(step: Step, pending: PendingIndex): (Execution & { namespace: string }) | undefined {
  if (step.kind !== 'child') return undefined;
  for (const event of [step.start, step.close]) {
    const execution = event?.attributes['workflowExecution'] as Execution | undefined;
    if (execution?.runId) {
      return { ...execution, namespace: String(event?.attributes['namespace'] ?? '') };
    }
  }
  const child = pending.children.get(step.anchor);
  if (!child?.runId) return undefined;
  return {
    runId: child.runId,
    ...(child.workflowId ? { workflowId: child.workflowId } : {}),
    namespace: String(step.open?.attributes['namespace'] ?? ''),
  };
}

// ---- rows and lanes -----------------------------------------------------------------------------

export type LaneKind = 'task' | 'signal' | 'marker' | 'workflow';

export interface Lanes {
  /** Steps with a row of their own, oldest first. */
  readonly rows: readonly Step[];
  readonly lanes: Readonly<Record<LaneKind, readonly Step[]>>;
}

function laneOf(step: Step): LaneKind | undefined {
  switch (step.kind) {
    case 'task':
      return 'task';
    case 'signal':
      return 'signal';
    case 'marker':
      return 'marker';
    case 'workflow':
    case 'other':
      return 'workflow';
    default:
      return undefined;
  }
}

/** One pass over the steps. `hidden` leaves out whole categories. */
export function splitLanes(steps: readonly Step[], hidden: ReadonlySet<Category>): Lanes {
  const rows: Step[] = [];
  const lanes: Record<LaneKind, Step[]> = { task: [], signal: [], marker: [], workflow: [] };
  for (const step of steps) {
    if (hidden.has(step.category)) continue;
    const lane = laneOf(step);
    if (lane) lanes[lane].push(step);
    else rows.push(step);
  }
  return { rows, lanes };
}

/** One drawn thing in a lane: a step, or so many that they would lie on each other. */
export interface LaneItem {
  readonly fromMs: number;
  readonly toMs: number;
  readonly first: Step;
  readonly count: number;
  /** Of a single task: how much of it waited in the queue, from 0 to 1. */
  readonly waited: number;
  /** The gravest among them, which the drawing shows. */
  readonly failed: boolean;
}

function laneFailed(step: Step): boolean {
  return step.outcome === 'failed' || step.outcome === 'timedOut' || step.outcome === 'rejected';
}

/**
 * What of a lane is visible in [fromMs, toMs], with whatever is closer than `gapMs` to its neighbour
 * drawn as one: at most width ÷ gap things, however many steps there are.
 */
export function laneItems(
  lane: readonly Step[],
  fromMs: number,
  toMs: number,
  gapMs: number,
  context: TimelineContext,
): LaneItem[] {
  const items: LaneItem[] = [];
  let i = lowerBound(lane, fromMs);
  // A step that began before the view may reach into it; steps of a lane follow each other.
  if (i > 0) i--;
  for (; i < lane.length; i++) {
    const step = lane[i] as Step;
    const from = at(step.open ?? step.events[0]);
    if (from > toMs) break;
    const last = isSpan(step) ? endOf(step, context) : at(step.events.at(-1));
    const to = Math.max(from, Number.isNaN(last) ? context.nowMs : last);
    if (to < fromMs) continue;
    const previous = items.at(-1);
    const failed = laneFailed(step);
    if (previous && from - previous.toMs < gapMs) {
      items[items.length - 1] = {
        fromMs: previous.fromMs,
        toMs: Math.max(previous.toMs, to),
        first: failed && !previous.failed ? step : previous.first,
        count: previous.count + 1,
        waited: 0,
        failed: previous.failed || failed,
      };
    } else {
      items.push({ fromMs: from, toMs: to, first: step, count: 1, waited: waited(step, from, to), failed });
    }
  }
  return items;
}

function waited(step: Step, fromMs: number, toMs: number): number {
  if (step.kind !== 'task' || toMs <= fromMs) return 0;
  const start = at(step.start);
  return Number.isNaN(start) ? 1 : Math.min(Math.max((start - fromMs) / (toMs - fromMs), 0), 1);
}

function lowerBound(lane: readonly Step[], ms: number): number {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (at((lane[mid] as Step).events[0]) < ms) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Things with a length put into as few lines as possible, none over another; the line of each. */
export function packLines(spans: readonly { fromMs: number; toMs: number }[], gapMs = 0): number[] {
  const ends: number[] = [];
  return spans.map((span) => {
    let line = ends.findIndex((end) => end + gapMs <= span.fromMs);
    if (line < 0) line = ends.push(-Infinity) - 1;
    ends[line] = span.toMs;
    return line;
  });
}

// ---- the window onto the time axis --------------------------------------------------------------

/** In drawn time, which is real time unless an axis squeezes some of it. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly axis?: TimeAxis | undefined;
}

/** All of a run, with a little air at its end so that the last bar does not touch the edge. */
export function extentOf(startMs: number, endMs: number, axis?: TimeAxis): TimeWindow {
  const span = Math.max(drawn(endMs, axis) - startMs, 1);
  return { fromMs: startMs, toMs: startMs + span * 1.02, ...(axis ? { axis } : {}) };
}

function drawn(ms: number, axis: TimeAxis | undefined): number {
  return axis ? axis.toDrawn(ms) : ms;
}

/** The real time that a window shows. */
export function realSpan(window: TimeWindow): { fromMs: number; toMs: number } {
  const { fromMs, toMs, axis } = window;
  return axis ? { fromMs: axis.toReal(fromMs), toMs: axis.toReal(toMs) } : { fromMs, toMs };
}

const leastSpanMs = 0.5;

function within(window: TimeWindow, extent: TimeWindow): TimeWindow {
  const span = Math.min(window.toMs - window.fromMs, extent.toMs - extent.fromMs);
  const from = Math.min(Math.max(window.fromMs, extent.fromMs), extent.toMs - span);
  return { fromMs: from, toMs: from + span, ...(extent.axis ? { axis: extent.axis } : {}) };
}

/** factor < 1 looks closer; what is under `aroundMs` stays where it is. */
export function zoom(
  window: TimeWindow,
  extent: TimeWindow,
  factor: number,
  aroundMs: number,
): TimeWindow {
  const span = window.toMs - window.fromMs;
  const wanted = Math.max(span * factor, leastSpanMs);
  const share = (aroundMs - window.fromMs) / span;
  const from = aroundMs - wanted * share;
  return within({ fromMs: from, toMs: from + wanted }, extent);
}

/** Moves by a share of what is visible. */
export function pan(window: TimeWindow, extent: TimeWindow, share: number): TimeWindow {
  const by = (window.toMs - window.fromMs) * share;
  return within({ fromMs: window.fromMs + by, toMs: window.toMs + by }, extent);
}

/** A window in which something fills a good part, with some of what is around it. */
export function focus(fromMs: number, toMs: number, extent: TimeWindow): TimeWindow {
  const span = Math.max(toMs - fromMs, leastSpanMs);
  return within({ fromMs: fromMs - span * 0.25, toMs: toMs + span * 0.25 }, extent);
}

/** The time that some steps take together, within the extent: what a reader of just those looks at. */
export function spanOf(
  steps: readonly Step[],
  context: TimelineContext,
  extent: TimeWindow,
): TimeWindow {
  let from = Infinity;
  let to = -Infinity;
  for (const step of steps) {
    const first = at(step.open ?? step.events[0]);
    const last = endOf(step, context);
    if (!Number.isNaN(first)) from = Math.min(from, first);
    to = Math.max(to, Number.isNaN(last) ? context.nowMs : last);
  }
  if (!(to >= from)) return extent;
  from = drawn(from, extent.axis);
  to = drawn(to, extent.axis);
  const air = Math.max(to - from, leastSpanMs) * 0.03;
  return within({ fromMs: from - air, toMs: to + air * 4 }, extent);
}

/** Which gaps a window shows, and where: from 0, its left edge, to 1. */
export function gapsIn(window: TimeWindow): { gap: Gap; from: number; to: number }[] {
  return (window.axis?.gaps ?? [])
    .map((gap) => ({ gap, from: Math.max(share(gap.fromMs, window), 0), to: Math.min(share(gap.toMs, window), 1) }))
    .filter(({ from, to }) => to > from);
}

/** A tick this near to a gap's middle would lie under what stands there: where few have room, each takes more. */
const besideGap = (countMax: number): number => 0.4 / countMax;

/** Ticks of what lies between gaps, each piece with its part of them. */
export function ticksOf(
  window: TimeWindow,
  countMax: number,
  make: (fromMs: number, toMs: number, countMax: number) => Tick[],
): Tick[] {
  const { fromMs, toMs } = realSpan(window);
  if (!window.axis) return make(fromMs, toMs, countMax);
  const middles = gapsIn(window).map(({ from, to }) => (from + to) / 2);
  return window.axis.pieces(fromMs, toMs).flatMap((piece) => {
    const part = share(piece.toMs, window) - share(piece.fromMs, window);
    const ticks = make(piece.fromMs, piece.toMs, Math.max(1, Math.round(part * countMax)));
    return ticks.filter(({ ms }) => middles.every((at) => Math.abs(share(ms, window) - at) > besideGap(countMax)));
  });
}

/** Where an instant lies in a window: 0 its left edge, 1 its right. */
export function share(ms: number, window: TimeWindow): number {
  return (drawn(ms, window.axis) - window.fromMs) / (window.toMs - window.fromMs);
}
