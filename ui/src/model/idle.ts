/**
 * Idle time, drawn short. A run that waits for days between seconds of work shows nothing on a linear axis,
 * so stretches in which no worker works and nothing begins or ends may be squeezed into gaps. Time between
 * two gaps keeps its scale, so that bars beside each other compare.
 *
 * Real time is what events tell; drawn time is real time less what the gaps save. Windows on the axis
 * (timeline.ts) are in drawn time.
 */

import type { Step } from './history';
import { isSpan, stepBar, type TimelineContext } from './timeline';

export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
  /** How long it is drawn. */
  readonly drawnMs: number;
}

export class TimeAxis {
  constructor(readonly gaps: readonly Gap[]) {}

  toDrawn(ms: number): number {
    let saved = 0;
    for (const { fromMs, toMs, drawnMs } of this.gaps) {
      if (ms <= fromMs) break;
      const part = Math.min((ms - fromMs) / (toMs - fromMs), 1);
      saved += part * (toMs - fromMs - drawnMs);
    }
    return ms - saved;
  }

  toReal(drawn: number): number {
    let ms = drawn;
    for (const { fromMs, toMs, drawnMs } of this.gaps) {
      if (ms <= fromMs) break;
      const part = Math.min((ms - fromMs) / drawnMs, 1);
      ms += part * (toMs - fromMs - drawnMs);
    }
    return ms;
  }

  /** The stretches of real time between the gaps, within [fromMs, toMs]. */
  pieces(fromMs: number, toMs: number): { fromMs: number; toMs: number }[] {
    const out: { fromMs: number; toMs: number }[] = [];
    let at = fromMs;
    for (const gap of this.gaps) {
      if (gap.toMs <= at) continue;
      if (gap.fromMs >= toMs) break;
      if (gap.fromMs > at) out.push({ fromMs: at, toMs: gap.fromMs });
      at = gap.toMs;
    }
    if (at < toMs) out.push({ fromMs: at, toMs });
    return out;
  }
}

interface Stretch {
  fromMs: number;
  toMs: number;
}

/** Whose attempts are work: a child or a timer only waits for somebody else. */
const works = new Set(['activity', 'task', 'nexus', 'update', 'marker']);

/** When something was worked on, began or ended, of one step. */
export function busyOf(step: Step, context: TimelineContext): Stretch[] {
  const out: Stretch[] = step.events.map((event) => ({ fromMs: event.timeMs, toMs: event.timeMs }));
  if (!isSpan(step)) return out;
  for (const { kind, fromMs, toMs } of stepBar(step, context).segments) {
    if (works.has(step.kind) && (kind === 'run' || kind === 'failed')) out.push({ fromMs, toMs });
    else out.push({ fromMs, toMs: fromMs }, { fromMs: toMs, toMs });
  }
  return out;
}

/** Fewer would not be worth the bent axis: it has to show twice as much of what happened. */
const savedLeast = 0.5;
const gapsMax = 100;

/** The gaps between busy stretches, each drawn a part of the time that is busy; none where that shows little more. */
export function idleGaps(busy: Stretch[], startMs: number, endMs: number): Gap[] {
  const ordered = [...busy, { fromMs: endMs, toMs: endMs }].sort((a, b) => a.fromMs - b.fromMs);
  const idle: Stretch[] = [];
  let worked = 0;
  let at = startMs;
  for (const { fromMs, toMs } of ordered) {
    if (fromMs > at) idle.push({ fromMs: at, toMs: Math.min(fromMs, endMs) });
    worked += Math.max(0, Math.min(toMs, endMs) - Math.max(fromMs, at));
    at = Math.max(at, toMs);
  }
  const length = (s: Stretch): number => s.toMs - s.fromMs;
  // A few milliseconds of work are hardly more than none: some of the whole is given to them.
  const whole = Math.max(worked, (endMs - startMs) / 1e6, 1);
  const long = idle.filter((s) => length(s) > whole / 4).sort((a, b) => length(b) - length(a)).slice(0, gapsMax);
  const drawnMs = whole / Math.max(4, long.length);
  const saved = long.reduce((sum, s) => sum + length(s) - drawnMs, 0);
  if (saved < (endMs - startMs) * savedLeast) return [];
  return long.sort((a, b) => a.fromMs - b.fromMs).map((s) => ({ ...s, drawnMs }));
}
