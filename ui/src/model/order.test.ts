import { expect, it } from 'vitest';
import { columnsOf } from './columns';
import { comparing, compareTexts, hasOrder, needsClose, orderBy, orderOf, servedOrder } from './order';
import { textBase64 } from './payloads';
import type { ExecutionInfo } from './proto';

const row = (id: string, more: Partial<ExecutionInfo> = {}): ExecutionInfo => ({
  execution: { workflowId: id, runId: id }, startTime: '2026-01-01T00:00:00Z', ...more,
});
const closed = (id: string, closeTime: string, more: Partial<ExecutionInfo> = {}) => row(id, { closeTime, ...more });
const has = (json: string, type: string) => ({
  searchAttributes: {
    indexedFields: {
      A: { metadata: { encoding: textBase64('json/plain'), type: textBase64(type) }, data: textBase64(json) },
    },
  },
});
const by = (sort: string, rows: ExecutionInfo[]) =>
  rows.toSorted(comparing(orderOf(sort))).map((r) => r.execution?.runId).join(' ');

it('reads a sort, and says it as the API takes it', () => {
  expect(orderBy(orderOf('-startTime'))).toBe('StartTime desc');
  expect(orderBy(orderOf('workflowId'))).toBe('WorkflowId');
  expect(orderBy(orderOf('-SA:Customer Name'))).toBe('`Customer Name` desc');
  expect(orderOf('')).toBeUndefined();
  expect(orderOf('nonsense')).toBeUndefined();
  expect(orderOf('runId')).toBeUndefined();
  expect(orderBy(undefined)).toBeUndefined();
});

it('puts open runs alone by how long they take, as the server can', () => {
  const asked = (sort: string, ...statuses: string[]) => orderBy(servedOrder(orderOf(sort), statuses));
  expect(asked('-duration', 'Running')).toBe('ExecutionTime');
  expect(asked('duration', 'Running', 'Paused')).toBe('ExecutionTime desc');
  expect(asked('-duration', 'Running', 'Failed')).toBe('ExecutionDuration desc');
  expect(asked('-duration')).toBe('ExecutionDuration desc');
  expect(asked('-historyLength', 'Running')).toBe('HistoryLength desc');
  expect(asked('', 'Running')).toBeUndefined();
});

it('knows what has an order', () => {
  const [type, runId, keyword, text, unknown] = columnsOf(['type', 'runId', 'SA:K', 'SA:T', 'SA:U']);
  const attributes = [{ name: 'K', type: 'Keyword' }, { name: 'T', type: 'Text' }] as const;
  const can = (column: typeof type) => column && hasOrder(column, attributes);
  expect([type, runId, keyword, text, unknown].map(can)).toEqual([true, false, true, false, false]);
  expect(needsClose(orderOf('duration'))).toBe(true);
  expect(needsClose(orderOf('startTime'))).toBe(false);
});

it('puts open ones first, then what closed last, to the nanosecond, then what started last', () => {
  const rows = [
    closed('c1', '2026-01-01T00:00:05Z'),
    row('o1', { startTime: '2026-01-01T00:00:01Z' }),
    closed('c2', '2026-01-01T00:00:05.000000002Z'),
    row('o2', { startTime: '2026-01-01T00:00:01.5Z' }),
    closed('c3', '2026-01-01T00:00:05.000000002Z', { startTime: '2026-01-01T00:00:03Z' }),
    row('o0', { startTime: '2026-01-01T00:00:01Z' }),
  ];
  expect(by('', rows)).toBe('o2 o0 o1 c3 c2 c1');
});

it('puts texts in the order of their bytes, and what has none last', () => {
  expect(by('workflowId', [row('b'), row('o-9'), row('B'), row('o-10')])).toBe('B b o-10 o-9');
  expect(compareTexts('\u{10000}', '￿')).toBeGreaterThan(0);
  expect(compareTexts('a', 'ab')).toBeLessThan(0);
  const child = (id: string, parent: string) => row(id, { parentExecution: { workflowId: parent } });
  expect(by('-parentId', [row('x'), child('a', 'p1'), child('b', 'p2')])).toBe('b a x');
});

it('knows numbers, durations and statuses of closed runs only', () => {
  const rows = [
    row('open', { historyLength: '99', status: 'WORKFLOW_EXECUTION_STATUS_RUNNING' }),
    closed('a', '2026-01-01T00:00:01Z', {
      historyLength: '9', executionDuration: '10s', status: 'WORKFLOW_EXECUTION_STATUS_TIMED_OUT',
    }),
    closed('b', '2026-01-01T00:00:02Z', {
      historyLength: '10', executionDuration: '9.5s', status: 'WORKFLOW_EXECUTION_STATUS_FAILED',
    }),
  ];
  expect(by('historyLength', rows)).toBe('a b open');
  expect(by('-historyLength', rows)).toBe('b a open');
  expect(by('-duration', rows)).toBe('a b open');
  expect(by('closeTime', rows)).toBe('a b open');
  expect(by('status', rows)).toBe('open b a');
});

it('compares attributes by what they are', () => {
  const of = (type: string, ...values: string[]) =>
    by('SA:A', [row('none'), ...values.map((v, i) => row(`${i}`, has(v, type)))]);
  expect(of('Keyword', '"b"', '"a"', '"B"')).toBe('2 1 0 none');
  expect(of('Int', '9007199254740993', '9007199254740992', '-5')).toBe('2 1 0 none');
  expect(of('Double', '10', '9.5', '-1e3')).toBe('2 1 0 none');
  expect(of('Bool', 'true', 'false')).toBe('1 0 none');
  expect(of('Datetime', '"2026-01-01T01:00:00+01:00"', '"2025-12-31T23:00:00Z"')).toBe('1 0 none');
});
