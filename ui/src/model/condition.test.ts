import { expect, it } from 'vitest';
import { condition, durationSeconds, literal } from './condition';

it('reads durations', () => {
  expect(durationSeconds('1h30m')).toBe(5400);
  expect(durationSeconds('250ms')).toBe(0.25);
  expect(durationSeconds('1 d')).toBe(86400);
  expect(durationSeconds('soon')).toBeUndefined();
  expect(durationSeconds('1h later')).toBeUndefined();
});

it.each([
  ['Int', '12', '12'],
  ['Int', '1.5', undefined],
  ['Double', '1.5', '1.5'],
  ['Double', 'x', undefined],
  ['Bool', 'TRUE', 'true'],
  ['Bool', 'yes', undefined],
  ['Datetime', '2026-11-23T08:00:00Z', '"2026-11-23T08:00:00Z"'],
  ['Datetime', 'never', undefined],
  ['Duration', '90m', '"5400s"'],
  ['Keyword', 'a "b"', '"a \\"b\\""'],
  ['Keyword', ' ', undefined],
] as const)('writes %s %s as %s', (type, text, written) => {
  expect(literal(type, text)).toBe(written);
});

it('makes conditions', () => {
  const type = { name: 'WorkflowType', type: 'Keyword' } as const;
  expect(condition(type, '=', 'Order')).toBe('WorkflowType = "Order"');
  expect(condition(type, 'NOT IN', 'A, B')).toBe('WorkflowType NOT IN ("A", "B")');
  expect(condition(type, 'IS NULL', '')).toBe('WorkflowType IS NULL');
  const length = { name: 'HistoryLength', type: 'Int' } as const;
  expect(condition(length, 'BETWEEN', '1, 5')).toBe('HistoryLength BETWEEN 1 AND 5');
  expect(condition(length, 'BETWEEN', '1')).toBeUndefined();
  expect(condition(length, '>', 'x')).toBeUndefined();
});
