import { expect, it } from 'vitest';
import * as lists from './live-list';
import { append, emptyList, firstLoad, type LiveList, type FirstPage, rowKey } from './live-list';
import { comparing, orderOf } from './order';
import type { ExecutionInfo } from './proto';

const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
const open = (id: string, start: number): ExecutionInfo => ({ execution: { runId: id }, startTime: at(start) });
const closed = (id: string, close: number, start = 0): ExecutionInfo => ({
  execution: { runId: id }, startTime: at(start), closeTime: at(close),
});
const ids = (list: { rows: readonly ExecutionInfo[] }) => list.rows.map(rowKey).join(' ');

const own = comparing(undefined);
const apply = (list: LiveList, page: FirstPage) => lists.apply(list, page, own);
const hold = (list: LiveList, page: FirstPage) => lists.hold(list, page, own);
const release = (list: LiveList) => lists.release(list, own);

it('appends pages, each row once', () => {
  const list = append(firstLoad([open('a', 3), open('b', 2)], 't'), [open('b', 2), open('c', 1)], '');
  expect(ids(list)).toBe('a b c');
  expect(list.next).toBeUndefined();
});

it('applies a first page over deeper rows', () => {
  const list = append(firstLoad([open('d', 4), open('c', 3)], 't'), [open('b', 2), open('a', 1)], 'u');
  // e is new, d has left; c was pushed out of the page of two and stays below it
  const next = apply(list, { rows: [open('e', 5), open('c', 3)], more: true });
  expect(ids(next)).toBe('e c b a');
  expect(next.next).toBe('u');
  const pushed = apply(list, { rows: [open('f', 6), open('e', 5)], more: true });
  expect(ids(pushed)).toBe('f e d c b a');
});

it('is the page when there is no more', () => {
  const list = firstLoad([open('b', 2), open('a', 1)], 't');
  const next = apply(list, { rows: [open('a', 1)], more: false });
  expect(ids(next)).toBe('a');
  expect(next.next).toBeUndefined();
  expect(apply(list, { rows: [], more: false }).rows).toEqual([]);
});

it('holds: no row moves, new ones are counted, shown ones change', () => {
  const list = firstLoad([open('b', 2), open('a', 1)], undefined);
  const held = hold(list, { rows: [open('c', 3), closed('a', 9, 1)], more: false });
  expect(ids(held)).toBe('b a');
  expect(held.rows[1]?.closeTime).toBe(at(9));
  expect(held.fresh).toBe(1);
  expect([...(held.left ?? [])]).toEqual(['b']);
  expect(ids(release(held))).toBe('c a');
  expect(release(held).fresh).toBe(0);
  expect(release(emptyList)).toBe(emptyList);
});

it('keeps what was loaded below in the order that was asked for', () => {
  const oldest = comparing(orderOf('startTime'));
  const list = append(firstLoad([open('a', 1), open('b', 2)], 't'), [open('c', 3), open('d', 4)], 'u');
  const next = lists.apply(list, { rows: [open('e', 0), open('a', 1)], more: true }, oldest);
  expect(ids(next)).toBe('e a b c d');
  expect([...(lists.hold(list, { rows: [open('b', 2), open('c', 3)], more: true }, oldest).left ?? [])]).toEqual(['a']);
});
