import { expect, it } from 'vitest';
import { allColumns, columnsOf, durationOf, nextSort, usualColumns } from './columns';
import { textBase64 } from './payloads';
import type { ExecutionInfo } from './proto';

const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
const row = (id: string, more: Partial<ExecutionInfo> = {}): ExecutionInfo => ({
  execution: { workflowId: id, runId: id }, startTime: at(0), ...more,
});

it('takes the usual columns for none and for nothing known', () => {
  expect(columnsOf([]).map((c) => c.id)).toEqual(usualColumns);
  expect(columnsOf(['nonsense']).map((c) => c.id)).toEqual(usualColumns);
  expect(columnsOf(['runId', 'SA:Customer']).map((c) => c.name)).toEqual(['Run ID', 'Customer']);
  expect(allColumns(['Customer']).at(-1)?.id).toBe('SA:Customer');
});

it('goes round the orders of a column', () => {
  const [id, start] = columnsOf(['workflowId', 'startTime']);
  if (!id || !start) throw new Error('they are built in');
  expect(nextSort(id, '-startTime')).toBe('workflowId');
  expect(nextSort(id, 'workflowId')).toBe('-workflowId');
  expect(nextSort(id, '-workflowId')).toBe('');
  expect(nextSort(start, '')).toBe('-startTime');
  expect(nextSort(start, '-startTime')).toBe('startTime');
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

it('takes the duration that the server states', () => {
  const now = Date.UTC(2026, 0, 1, 0, 1);
  expect(durationOf(row('x', { closeTime: at(1), executionDuration: '0.5s' }), now)).toBe(500);
  expect(durationOf(row('x', { closeTime: at(1) }), now)).toBe(1000);
  expect(durationOf(row('x'), now)).toBe(60_000);
});
