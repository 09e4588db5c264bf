import { describe, expect, it } from 'vitest';
import { payloads, Story } from './fixtures';
import { HistoryLog } from './history';
import type { PendingActivity } from './proto';
import { clockTicks, elapsedTicks, instantWords, spanWords, tickStep } from './time';
import {
  childOf,
  extentOf,
  focus,
  isPending,
  laneItems,
  nothingPending,
  outcomeNow,
  packLines,
  pan,
  pendingIndex,
  share,
  spanOf,
  splitLanes,
  stepBar,
  timeShares,
  zoom,
  type TimelineContext,
} from './timeline';

function setting(story: Story, pending: PendingActivity[] = [], closeMs = NaN) {
  const log = new HistoryLog();
  log.add(story.events);
  const context: TimelineContext = {
    nowMs: story.nowMs,
    startMs: log.get(1)?.timeMs ?? 0,
    closeMs,
    pending: pendingIndex(pending),
  };
  return { log, context, rows: splitLanes(log.steps(), new Set()).rows };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

describe('bars', () => {
  it('splits an activity into queue and run', () => {
    const s = new Story();
    s.started();
    s.activity('charge', '1');
    const { rows, context } = setting(s);
    const bar = stepBar(rows[0]!, context);
    expect(bar.segments.map((g) => [g.kind, g.toMs - g.fromMs, g.growing])).toEqual([
      ['queue', 10, false],
      ['run', 40, false],
    ]);
    expect(timeShares(bar)).toMatchObject({ queue: 10, run: 40, retryWait: 0 });
  });

  it('calls what lies before a later attempt earlier attempts', () => {
    const s = new Story();
    s.started();
    s.activity('charge', '1', 'ok', 3);
    const { rows, context } = setting(s);
    const bar = stepBar(rows[0]!, context);
    expect(bar.attempts).toBe(3);
    expect(bar.segments.map((g) => g.kind)).toEqual(['earlier', 'run']);
  });

  it('grows an activity in a queue, then one that runs, to the present', () => {
    const s = new Story();
    s.started();
    s.schedule('charge', '1');
    const t0 = s.nowMs;
    s.after(500);
    const scheduled = setting(s, [
      { activityId: '1', state: 'PENDING_ACTIVITY_STATE_SCHEDULED', attempt: 1 },
    ]);
    expect(stepBar(scheduled.rows[0]!, scheduled.context).segments).toEqual([
      { kind: 'queue', fromMs: t0, toMs: t0 + 500, growing: true },
    ]);
    expect(outcomeNow(scheduled.rows[0]!, scheduled.context)).toBe('scheduled');
    expect(isPending(scheduled.rows[0]!, scheduled.context)).toBe(true);
    const running = setting(s, [
      {
        activityId: '1',
        state: 'PENDING_ACTIVITY_STATE_STARTED',
        attempt: 1,
        lastStartedTime: iso(t0 + 100),
      },
    ]);
    expect(stepBar(running.rows[0]!, running.context).segments).toEqual([
      { kind: 'queue', fromMs: t0, toMs: t0 + 100, growing: false },
      { kind: 'run', fromMs: t0 + 100, toMs: t0 + 500, growing: true, attempt: 1 },
    ]);
  });

  it('tells a failed attempt from the wait for the next one', () => {
    const s = new Story();
    s.started();
    s.schedule('charge', '1');
    const t0 = s.nowMs;
    s.after(1000);
    const pending: PendingActivity = {
      activityId: '1',
      state: 'PENDING_ACTIVITY_STATE_SCHEDULED',
      attempt: 3,
      lastStartedTime: iso(t0 + 300),
      lastAttemptCompleteTime: iso(t0 + 400),
      nextAttemptScheduleTime: iso(t0 + 2400),
    };
    const { rows, context } = setting(s, [pending]);
    const bar = stepBar(rows[0]!, context);
    expect(bar.segments.map((g) => [g.kind, g.fromMs - t0, g.toMs - t0, g.growing])).toEqual([
      ['earlier', 0, 300, false],
      ['failed', 300, 400, false],
      ['retryWait', 400, 1000, true],
    ]);
    expect(bar.dueMs).toBe(t0 + 2400);
    expect(bar.outcome).toBe('retrying');
    const due = { ...context, nowMs: t0 + 3000 };
    expect(stepBar(rows[0]!, due).segments.slice(2).map((g) => [g.kind, g.fromMs - t0])).toEqual([
      ['retryWait', 400],
      ['queue', 2400],
    ]);
    const { nextAttemptScheduleTime: _, ...waited } = pending;
    const ready = setting(s, [{ ...waited, scheduledTime: iso(t0 + 600) }]);
    expect(stepBar(rows[0]!, ready.context).segments.slice(2).map((g) => [g.kind, g.fromMs - t0])).toEqual([
      ['retryWait', 400],
      ['queue', 600],
    ]);
  });

  it('ends what was pending when the run closed', () => {
    const s = new Story();
    s.started();
    s.schedule('charge', '1');
    s.after(100).event('WORKFLOW_EXECUTION_TERMINATED');
    const closeMs = s.nowMs;
    s.after(100_000);
    const { rows, context } = setting(s, [], closeMs);
    expect(stepBar(rows[0]!, context)).toMatchObject({ toMs: closeMs });
    expect(isPending(rows[0]!, context)).toBe(false);
  });

  it('shows a timer and when it is due', () => {
    const s = new Story();
    s.started();
    s.timer('1', 60);
    const t0 = s.nowMs;
    s.after(1000);
    const { rows, context } = setting(s);
    const bar = stepBar(rows[0]!, context);
    expect(bar.segments).toEqual([
      { kind: 'timer', fromMs: t0, toMs: t0 + 1000, growing: true },
    ]);
    expect(bar.dueMs).toBe(t0 + 60_000);
  });

  it('draws a step whose beginning is not loaded from the run start', () => {
    const s = new Story();
    s.started();
    s.activity('charge', '1');
    const log = new HistoryLog();
    log.add(s.events.slice(2));
    const context = { nowMs: s.nowMs, startMs: s.nowMs - 50, closeMs: NaN, pending: nothingPending };
    const bar = stepBar(log.steps()[0]!, context);
    expect(bar.segments.map((g) => g.kind)).toEqual(['unknown', 'run']);
  });

  it('knows the child that a step started, from history or from the description', () => {
    const s = new Story();
    s.started();
    s.event('START_CHILD_WORKFLOW_EXECUTION_INITIATED', { workflowId: 'c', namespace: 'n' });
    const { rows } = setting(s);
    expect(childOf(rows[0]!, nothingPending)).toBeUndefined();
    const pending = pendingIndex([], [{ workflowId: 'c', runId: 'r', initiatedId: '2' }]);
    expect(childOf(rows[0]!, pending)).toEqual({ workflowId: 'c', runId: 'r', namespace: 'n' });
  });
});

describe('lanes', () => {
  it('puts tasks, signals and markers beside the rows', () => {
    const s = new Story();
    s.started();
    s.task();
    s.signal('a');
    s.event('MARKER_RECORDED', { markerName: 'm' });
    s.activity('charge', '1');
    const { log } = setting(s);
    const { rows, lanes } = splitLanes(log.steps(), new Set());
    expect(rows.map((r) => r.kind)).toEqual(['activity']);
    expect([lanes.task, lanes.signal, lanes.marker, lanes.workflow].map((l) => l.length)).toEqual([
      1, 1, 1, 1,
    ]);
    expect(splitLanes(log.steps(), new Set(['activity', 'task'])).rows).toHaveLength(0);
  });

  it('draws what is too close as one, and what failed as failed', () => {
    const s = new Story();
    s.started();
    for (let i = 0; i < 1000; i++) {
      s.task();
      s.after(5);
    }
    const bad = s.event('WORKFLOW_TASK_SCHEDULED', {});
    s.event('WORKFLOW_TASK_FAILED', { scheduledEventId: String(bad) });
    const { log, context } = setting(s);
    const { lanes } = splitLanes(log.steps(), new Set());
    const all = laneItems(lanes.task, context.startMs, s.nowMs, 100, context);
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ count: 1001, failed: true });
    expect(all[0]?.first.outcome).toBe('failed');
    const close = laneItems(lanes.task, context.startMs + 1002, context.startMs + 1030, 1, context);
    expect(close.map((i) => [i.fromMs - context.startMs, i.toMs - context.startMs])).toEqual([
      [1000, 1005],
      [1010, 1015],
      [1020, 1025],
      [1030, 1035],
    ]);
  });

  it('packs spans so that none lies over another', () => {
    const spans = [
      { fromMs: 0, toMs: 10 },
      { fromMs: 5, toMs: 8 },
      { fromMs: 9, toMs: 12 },
      { fromMs: 10, toMs: 11 },
    ];
    expect(packLines(spans)).toEqual([0, 1, 1, 0]);
    expect(packLines(spans, 2)).toEqual([0, 1, 2, 1]);
  });
});

it('finds the time that some rows take', () => {
  const s = new Story();
  s.started();
  for (let i = 0; i < 10; i++) s.after(1000).activity('work', String(i));
  const { rows, context } = setting(s);
  const extent = extentOf(context.startMs, s.nowMs);
  const span = spanOf(rows.slice(4, 6), context, extent);
  expect(span.fromMs).toBeLessThan(rows[4]!.open!.timeMs);
  expect(span.toMs).toBeGreaterThan(rows[5]!.close!.timeMs);
  expect(span.toMs - span.fromMs).toBeLessThan(1500);
  expect(spanOf([], context, extent)).toBe(extent);
});

describe('window', () => {
  const extent = { fromMs: 0, toMs: 1000 };

  it('keeps what is under the pointer while zooming', () => {
    const near = zoom(extent, extent, 0.5, 250);
    expect(near).toEqual({ fromMs: 125, toMs: 625 });
    expect(share(250, near)).toBeCloseTo(share(250, extent));
    expect(zoom(near, extent, 100, 250)).toEqual(extent);
    const closest = zoom(extent, extent, 1e-9, 500);
    expect(closest.toMs - closest.fromMs).toBeCloseTo(0.5);
  });

  it('stays inside the run while moving', () => {
    expect(pan({ fromMs: 100, toMs: 300 }, extent, 0.5)).toEqual({ fromMs: 200, toMs: 400 });
    expect(pan({ fromMs: 100, toMs: 300 }, extent, -9)).toEqual({ fromMs: 0, toMs: 200 });
    expect(focus(900, 1000, extent)).toEqual({ fromMs: 850, toMs: 1000 });
    expect(extentOf(5, 5).toMs).toBeGreaterThan(5);
  });
});

describe('time', () => {
  it('writes spans with as many figures as matter', () => {
    expect(
      [0, 0.42, 9.96, 12.4, 999.6, 1240, 9_996, 59_960, 125_000, 11_520_000, 352_800_000, -50].map(
        spanWords,
      ),
    ).toEqual([
      '0 s',
      '0.4 ms',
      '10 ms',
      '12 ms',
      '1 s',
      '1.24 s',
      '10 s',
      '1m',
      '2m 05s',
      '3h 12m',
      '4d 02h',
      '−50 ms',
    ]);
    expect(spanWords(NaN)).toBe('');
  });

  it('places ticks at round distances from the start', () => {
    expect(tickStep(60_000, 6)).toBe(10_000);
    expect(elapsedTicks(1000, 1000, 26_000, 6).map((t) => t.label)).toEqual([
      '0',
      '+5 s',
      '+10 s',
      '+15 s',
      '+20 s',
      '+25 s',
    ]);
    const labels = (from: number, to: number) => elapsedTicks(0, from, to, 4).map((t) => t.label);
    expect(labels(57_700, 57_860)).toEqual(['+57.7 s', '+57.75 s', '+57.8 s', '+57.85 s']);
    expect(labels(65_000, 65_500)).toEqual(['+1m 05.0s', '+1m 05.2s', '+1m 05.4s']);
    expect(labels(0, 8 * 3_600_000)).toEqual(['0', '+2h', '+4h', '+6h', '+8h']);
    expect(labels(3_599_000, 3_603_000)).toEqual(['+59m 59s', '+1h', '+1h 00m 01s', '+1h 00m 02s', '+1h 00m 03s']);
    expect(labels(0, 2)).toEqual(['0', '+0.5 ms', '+1 ms', '+1.5 ms', '+2 ms']);
    expect(tickStep(1e13, 4)).toBeGreaterThan(2e12);
  });

  it('aligns ticks to the clock and names the day where it changes', () => {
    const from = Date.UTC(2026, 10, 23, 23, 50);
    expect(clockTicks(from, from + 20 * 60_000, 4, true).map((t) => t.label)).toEqual([
      '11-23 23:50',
      '23:55',
      '11-24 00:00',
      '00:05',
      '00:10',
    ]);
    expect(instantWords(from, true)).toBe('2026-11-23 23:50:00.000 UTC');
    expect(instantWords(NaN)).toBe('');
  });
});

it('takes input of any shape without a word', () => {
  const s = new Story();
  s.event('ACTIVITY_TASK_COMPLETED', { scheduledEventId: '0', result: payloads(1) });
  s.event('LATER_ADDED', {});
  const { rows, context } = setting(s);
  expect(stepBar(rows[0]!, context).segments.every((g) => g.kind === 'unknown')).toBe(true);
});
