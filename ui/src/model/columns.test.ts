import { expect, it } from 'vitest';
import { allColumns, columnsOf, durationOf, sorted, usualColumns } from './columns';
import { textBase64 } from './payloads';
import type { ExecutionInfo } from './proto';

const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
const row = (id: string, more: Partial<ExecutionInfo> = {}): ExecutionInfo => ({
  execution: { workflowId: id, runId: id }, startTime: at(0), ...more,
});
const ids = (rows: readonly ExecutionInfo[]) => rows.map((r) => r.execution?.runId).join(' ');

it('takes the usual columns for none and for nothing known', () => {
  expect(columnsOf([]).map((c) => c.id)).toEqual(usualColumns);
  expect(columnsOf(['nonsense']).map((c) => c.id)).toEqual(usualColumns);
  expect(columnsOf(['runId', 'SA:Customer']).map((c) => c.name)).toEqual(['Run ID', 'Customer']);
  expect(allColumns(['Customer']).at(-1)?.id).toBe('SA:Customer');
});

it('shows search attributes as text', () => {
  const value = (json: string) =>
    columnsOf(['SA:A'])[0]?.value(
      row('a', {
        searchAttributes: {
          indexedFields: { A: { metadata: { encoding: textBase64('json/plain') }, data: textBase64(json) } },
        },
      }),
    );
  expect(value('"Ada"')).toBe('Ada');
  expect(value('9007199254740993')).toBe('9007199254740993');
  expect(columnsOf(['SA:A'])[0]?.value(row('a'))).toBeUndefined();
});

it('sorts, with the missing last', () => {
  const rows = [row('b', { historyLength: '2' }), row('c'), row('a', { historyLength: '10' })];
  expect(ids(sorted(rows, 'historyLength', 0))).toBe('b a c');
  expect(ids(sorted(rows, '-historyLength', 0))).toBe('a b c');
  expect(ids(sorted(rows, 'workflowId', 0))).toBe('a b c');
  expect(ids(sorted([row('o-10'), row('o-9')], 'workflowId', 0))).toBe('o-9 o-10');
  expect(sorted(rows, '', 0)).toBe(rows);
  expect(sorted(rows, 'nonsense', 0)).toBe(rows);
});

it('sorts by times and durations', () => {
  const now = Date.UTC(2026, 0, 1, 0, 1);
  const rows = [row('open'), row('short', { closeTime: at(1) }), row('long', { closeTime: at(90) })];
  expect(ids(sorted(rows, 'duration', now))).toBe('short open long');
  expect(ids(sorted(rows, '-closeTime', now))).toBe('long short open');
  expect(durationOf(row('x', { closeTime: at(1), executionDuration: '0.5s' }), now)).toBe(500);
});
