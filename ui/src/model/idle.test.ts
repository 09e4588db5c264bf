import { describe, expect, it } from 'vitest';
import { Story } from './fixtures';
import { HistoryLog } from './history';
import { busyOf, idleGaps, TimeAxis } from './idle';
import { elapsedTicks } from './time';
import { extentOf, gapsIn, nothingPending, realSpan, share, ticksOf, zoom } from './timeline';

const day = 86_400_000;
const at = (ms: number) => ({ fromMs: ms, toMs: ms });
const run = (fromMs: number, toMs: number) => ({ fromMs, toMs });

describe('what is idle', () => {
  it('is a stretch much longer than all the work', () => {
    const gaps = idleGaps([run(0, 1000), run(day, day + 1000)], 0, day + 1000);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ fromMs: 1000, toMs: day });
    expect(gaps[0]?.drawnMs).toBe(500);
  });

  it('is nothing where it would show little more', () => {
    expect(idleGaps([run(0, 1000), run(2000, 3000)], 0, 3000)).toEqual([]);
    expect(idleGaps([run(0, 3000), run(4000, 9000)], 0, 9000)).toEqual([]);
    expect(idleGaps([], 0, 0)).toEqual([]);
  });

  it('is not what another step works in', () => {
    expect(idleGaps([run(0, 10), run(5, day), run(day - 5, day)], 0, day)).toEqual([]);
  });

  it('also ends with the present, and may lie between moments alone', () => {
    expect(idleGaps([run(0, 100)], 0, day)).toMatchObject([{ fromMs: 100, toMs: day }]);
    const gaps = idleGaps([at(0), at(day), at(2 * day)], 0, 3 * day);
    expect(gaps.map((g) => g.fromMs)).toEqual([0, day, 2 * day]);
    expect(gaps.every((g) => g.drawnMs > 0)).toBe(true);
  });
});

it('counts attempts of workers, and of timers and children only their ends', () => {
  const s = new Story();
  s.started();
  s.task();
  s.activity('charge', '1', {});
  const timer = s.event('TIMER_STARTED', { timerId: 't', startToFireTimeout: '86400s' });
  s.after(day).event('TIMER_FIRED', { timerId: 't', startedEventId: String(timer) });
  const log = new HistoryLog();
  log.add(s.events);
  const startMs = log.get(1)?.timeMs ?? 0;
  const context = { nowMs: s.nowMs, startMs, closeMs: s.nowMs, pending: nothingPending };
  const gaps = idleGaps(log.steps().flatMap((step) => busyOf(step, context)), startMs, s.nowMs);
  expect(gaps).toMatchObject([{ fromMs: log.get(timer)?.timeMs, toMs: s.nowMs }]);
});

describe('an axis with gaps', () => {
  const axis = new TimeAxis([
    { fromMs: 100, toMs: 1100, drawnMs: 10 },
    { fromMs: 1200, toMs: 2200, drawnMs: 10 },
  ]);

  it.each([
    [0, 0],
    [100, 100],
    [600, 105],
    [1100, 110],
    [1150, 160],
    [2200, 220],
    [2300, 320],
  ])('draws %i at %i', (real, drawn) => {
    expect(axis.toDrawn(real)).toBeCloseTo(drawn);
    expect(axis.toReal(drawn)).toBeCloseTo(real);
  });

  it('has pieces between its gaps', () => {
    expect(axis.pieces(0, 2300)).toEqual([run(0, 100), run(1100, 1200), run(2200, 2300)]);
    expect(axis.pieces(600, 1150)).toEqual([run(1100, 1150)]);
    expect(axis.pieces(200, 300)).toEqual([]);
  });

  it('keeps its gaps in every window onto it, and ticks off them', () => {
    const extent = extentOf(0, 2300, axis);
    expect(extent.toMs).toBeCloseTo(326.4);
    expect(share(2300, extent)).toBeCloseTo(1 / 1.02);
    expect(realSpan(extent).toMs).toBeCloseTo(2306.4);
    const near = zoom(extent, extent, 0.5, 0);
    expect(near.axis).toBe(axis);
    expect(gapsIn(extent)).toHaveLength(2);
    expect(gapsIn(near).map(({ gap }) => gap.fromMs)).toEqual([100]);
    const ticks = ticksOf(extent, 8, (from, to, max) => elapsedTicks(0, from, to, max)).map((t) => t.ms);
    expect(ticks).toContain(0);
    expect(ticks.some((ms) => ms >= 1100 && ms <= 1200)).toBe(true);
    expect(ticks.every((ms) => ms <= 100 || (ms >= 1100 && ms <= 1200) || ms >= 2200)).toBe(true);
    expect(ticksOf(extentOf(0, 100), 4, (from, to, max) => elapsedTicks(0, from, to, max))).toHaveLength(3);
  });
});
