/**
 * Two runs side by side, aligned by what they did rather than by event ids: a step matches a step of the
 * same kind and name, in order. Matched steps are then compared in what went in, what came out, and how.
 */

import { stepName } from './describe';
import type { Step } from './history';
import { samePayloads } from './payloads';
import { failureLine } from './failure';
import type { Failure } from './proto';

export type Difference = 'missing' | 'extra' | 'input' | 'outcome' | 'result' | 'failure' | 'attempts';

export interface ComparedRow {
  readonly left?: Step;
  readonly right?: Step;
  readonly name: string;
  readonly differences: readonly Difference[];
}

export interface Comparison {
  readonly rows: readonly ComparedRow[];
  /** The row where the runs part; -1 where they do not. */
  readonly first: number;
  /** The runs are so unlike that the middle was not aligned. */
  readonly cut: boolean;
}

/** What a run did, in order, without the bookkeeping that differs from run to run. */
export function comparableSteps(steps: readonly Step[]): Step[] {
  return steps.filter((s) => s.kind !== 'task');
}

function signature(step: Step): string {
  const id = step.kind === 'workflow' || step.kind === 'other' ? step.events[0]?.type : stepName(step);
  return `${step.kind} ${id ?? ''}`;
}

/**
 * Pairs of equal places in two lists, by Myers' greedy method: quick where lists are alike, and given up
 * past `editMax` differences, since its cost grows with their square.
 */
export function align(a: readonly string[], b: readonly string[], editMax = 1000): [number, number][] | undefined {
  const n = a.length;
  const m = b.length;
  const reach = Math.min(n + m, editMax);
  const furthest = new Int32Array(2 * reach + 3);
  const offset = reach + 1;
  const trace: Int32Array[] = [];
  for (let d = 0; d <= reach; d++) {
    trace.push(furthest.slice(offset - d - 1, offset + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const down = furthest[offset + k + 1] ?? 0;
      const right = furthest[offset + k - 1] ?? 0;
      let x = k === -d || (k !== d && right < down) ? down : right + 1;
      let y = x - k;
      while (x < n && y < m && a[x] === b[y]) {
        x++;
        y++;
      }
      furthest[offset + k] = x;
      if (x >= n && y >= m) return walkBack(trace, n, m);
    }
  }
  return undefined;
}

/** From the end back to the beginning: where each edit came from, and the equal places between edits. */
function walkBack(trace: readonly Int32Array[], n: number, m: number): [number, number][] {
  const pairs: [number, number][] = [];
  let x = n;
  let y = m;
  for (let d = trace.length - 1; d > 0; d--) {
    const row = trace[d] as Int32Array; // diagonal k stands at d + 1 + k
    const k = x - y;
    const down = row[d + 2 + k] ?? 0;
    const right = row[d + k] ?? 0;
    const inserted = k === -d || (k !== d && right < down);
    const equalFrom = inserted ? down : right + 1;
    while (x > equalFrom) pairs.push([--x, --y]);
    if (inserted) y--;
    else x--;
  }
  while (x > 0) pairs.push([--x, --y]);
  return pairs.reverse();
}

function compareSteps(a: Step, b: Step): Difference[] {
  const found: Difference[] = [];
  const x = (a.open ?? a.events[0])?.attributes ?? {};
  const y = (b.open ?? b.events[0])?.attributes ?? {};
  if (!samePayloads(x['input'], y['input']) || x['startToFireTimeout'] !== y['startToFireTimeout']) {
    found.push('input');
  }
  if (a.outcome !== b.outcome) found.push('outcome');
  const p = (a.close ?? a.events[0])?.attributes ?? {};
  const q = (b.close ?? b.events[0])?.attributes ?? {};
  if (!samePayloads(p['result'], q['result'])) found.push('result');
  if (
    failureLine(p['failure'] as Failure | undefined) !==
    failureLine(q['failure'] as Failure | undefined)
  ) {
    found.push('failure');
  }
  const tries = (s: Step): number => Number(s.start?.attributes['attempt'] ?? 1);
  if (tries(a) !== tries(b)) found.push('attempts');
  return found;
}

export function compareRuns(left: readonly Step[], right: readonly Step[]): Comparison {
  const a = comparableSteps(left);
  const b = comparableSteps(right);
  const pairs = align(a.map(signature), b.map(signature));
  const rows: ComparedRow[] = [];
  let i = 0;
  let j = 0;
  const lone = (untilA: number, untilB: number): void => {
    for (; i < untilA; i++) {
      const step = a[i] as Step;
      rows.push({ left: step, name: stepName(step), differences: ['missing'] });
    }
    for (; j < untilB; j++) {
      const step = b[j] as Step;
      rows.push({ right: step, name: stepName(step), differences: ['extra'] });
    }
  };
  for (const [x, y] of pairs ?? commonEnds(a, b)) {
    lone(x, y);
    const one = a[x] as Step;
    const other = b[y] as Step;
    rows.push({ left: one, right: other, name: stepName(one), differences: compareSteps(one, other) });
    i = x + 1;
    j = y + 1;
  }
  lone(a.length, b.length);
  return { rows, first: rows.findIndex((r) => r.differences.length > 0), cut: pairs === undefined };
}

/** Where the lists are too unlike: what they share at the beginning and at the end. */
function commonEnds(a: readonly Step[], b: readonly Step[]): [number, number][] {
  const pairs: [number, number][] = [];
  const least = Math.min(a.length, b.length);
  const same = (i: number, j: number): boolean => signature(a[i] as Step) === signature(b[j] as Step);
  let head = 0;
  while (head < least && same(head, head)) pairs.push([head, head++]);
  let tail = 0;
  while (tail < least - head && same(a.length - 1 - tail, b.length - 1 - tail)) tail++;
  for (let t = tail; t > 0; t--) pairs.push([a.length - t, b.length - t]);
  return pairs;
}
