import { expect, it } from 'vitest';
import { heldOrder, nextOrder, sortRows } from './table';

interface Row {
  name: string;
  n: number;
}
const columns = [
  { id: 'name', value: (r: Row) => r.name },
  { id: 'n', numeric: true, value: (r: Row) => r.n },
  { id: 'plain' },
];
const rows = [
  { name: 'q10', n: 1 },
  { name: 'q9', n: NaN },
  { name: 'b', n: 3 },
  { name: 'a', n: 3 },
];
const byName = (a: Row, b: Row) => a.name.localeCompare(b.name);
const names = (sort: string) => sortRows(rows, columns, sort, byName).map((r) => r.name);

it('goes round three orders', () => {
  expect(['', 'name', '-name'].map((sort) => nextOrder('name', false, sort))).toEqual(['name', '-name', '']);
  expect(['', '-n', 'n'].map((sort) => nextOrder('n', true, sort))).toEqual(['-n', 'n', '']);
  expect(nextOrder('name', false, '-n')).toBe('name');
});

it('sorts, equals in the usual order, what has no number last', () => {
  expect(names('name')).toEqual(['a', 'b', 'q9', 'q10']);
  expect(names('-name')).toEqual(['q10', 'q9', 'b', 'a']);
  expect(names('-n')).toEqual(['a', 'b', 'q10', 'q9']);
  expect(names('n')).toEqual(['q10', 'a', 'b', 'q9']);
});

it('keeps the usual order for columns that do not sort or are unknown', () => {
  for (const sort of ['', 'plain', '-gone']) expect(names(sort)).toEqual(['a', 'b', 'q10', 'q9']);
  expect(rows[0]?.name).toBe('q10'); // the given rows stay as they were
});

it('holds rows in place, new ones after them', () => {
  const held = heldOrder(rows, (r) => r.name, ['b', 'gone', 'a']);
  expect(held.map((r) => r.name)).toEqual(['b', 'a', 'q10', 'q9']);
});
