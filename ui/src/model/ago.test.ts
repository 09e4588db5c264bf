import { expect, it } from 'vitest';
import { agoWords } from './ago';

const now = Date.UTC(2026, 10, 23, 12);

it.each([
  [0, 'just now'],
  [999, 'just now'],
  [12_000, '12s ago'],
  [59_999, '59s ago'],
  [60_000, '1m ago'],
  [3_599_000, '59m ago'],
  [7_200_000, '2h ago'],
  [9 * 86_400_000, '9d ago'],
  [-30_000, 'in 30s'],
])('%d ms before is %s', (before, words) => {
  expect(agoWords(now - before, now, true)).toBe(words);
});

it('shows the date of what is long ago', () => {
  expect(agoWords(now - 11 * 86_400_000, now, true)).toBe('2026-11-12 12:00:00 UTC');
});
