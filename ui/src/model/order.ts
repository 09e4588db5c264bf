import type { Column } from './columns';
import { columnsOf } from './columns';
import type { Field } from './completion';
import { decodePayload, metadataText } from './payloads';
import { durationMs, type ExecutionInfo, timeMs } from './proto';
import { columnText } from './query';
import { statusName } from '@/design/states';

/**
 * The order of a list is the server's: by one column, what has no value last either way; where values are equal,
 * open runs first, then by close time, then by start time, newest first. It is known here as well because rows
 * that were loaded from further below must find their place beside a first page that changes.
 */
export interface Order {
  column: Column;
  descending: boolean;
}

export type Compare = (a: ExecutionInfo, b: ExecutionInfo) => number;

/** What a sort in an address or a view means: a column's id, `-` before it for descending. */
export function orderOf(sort: string): Order | undefined {
  const descending = sort.startsWith('-');
  const id = descending ? sort.slice(1) : sort;
  const [column] = columnsOf([id]);
  return column?.id === id && column.field !== undefined && id !== 'runId' ? { column, descending } : undefined;
}

/** The order as the API takes it. */
export function orderBy(order: Order | undefined): string | undefined {
  return order && `${columnText(order.column.field ?? '')}${order.descending ? ' desc' : ''}`;
}

const ordered = new Set(['Keyword', 'Int', 'Double', 'Bool', 'Datetime']);

/**
 * The order that the server is asked for. How long open runs take so far changes with every second, so it keeps none of
 * it; but they all grow alike: in a list of nothing else those that began first take longest, and that it keeps.
 */
export function servedOrder(order: Order | undefined, statuses: readonly string[]): Order | undefined {
  const [column] = columnsOf(['executionTime']);
  if (order?.column.id !== 'duration' || !column || !openOnly(statuses)) return order;
  return { column, descending: !order.descending };
}

const openStatuses = new Set(['Running', 'Paused']);

function openOnly(statuses: readonly string[]): boolean {
  return statuses.length > 0 && statuses.every((status) => openStatuses.has(status));
}

/** Whether the server can sort by a column: not by run ids, nor by attributes of many words or no namespace. */
export function hasOrder(column: Column, attributes: readonly Field[]): boolean {
  if (!column.id.startsWith('SA:')) return orderOf(column.id) !== undefined;
  return ordered.has(attributes.find((a) => a.name === column.field)?.type ?? '');
}

/** By columns whose value the server has only when the run has closed, so that open ones stand last. */
export function needsClose(order: Order | undefined): boolean {
  const of = ['closeTime', 'duration', 'historyLength', 'historySize', 'stateTransitions'];
  return order !== undefined && of.includes(order.column.id);
}

// ---- comparing, as the server does ----

type Key = string | number | bigint;

const statuses = ['Running', 'Completed', 'Failed', 'Canceled', 'Terminated', 'ContinuedAsNew', 'TimedOut', 'Paused'];

/** Instants of one form compare as texts, to the nanosecond, once the Z is off. */
const instant = (text: string | undefined) => text?.replace(/Z$/, '');

function keyOf(column: Column, row: ExecutionInfo): Key | undefined {
  if (column.id.startsWith('SA:')) return attributeKey(row, column.field ?? '');
  if (needsClose({ column, descending: false }) && !row.closeTime) return undefined;
  const value = column.value(row);
  switch (column.kind) {
    case 'status':
      return statuses.indexOf(statusName(row.status) ?? '');
    case 'time':
      return instant(typeof value === 'string' ? value : undefined);
    case 'duration':
      return durationMs(row.executionDuration);
    case 'number':
    case 'bytes':
      return value ?? 0; // proto3 JSON leaves out what is zero
    default:
      return value || undefined;
  }
}

function attributeKey(row: ExecutionInfo, name: string): Key | undefined {
  const payload = row.searchAttributes?.indexedFields?.[name];
  const text = payload && decodePayload(payload).text.trim();
  if (!text || text === 'null') return undefined;
  if (/^-?\d+$/.test(text)) return BigInt(text);
  if (text === 'true' || text === 'false') return Number(text === 'true');
  if (!text.startsWith('"')) return Number(text);
  const value = JSON.parse(text) as string;
  return metadataText(payload, 'type') === 'Datetime' ? timeMs(value) : value;
}

/** By code points, which is the order of UTF-8's bytes. */
export function compareTexts(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  if (i === end) return a.length - b.length;
  const rank = (unit: number) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
}

function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  return a < b ? -1 : Number(a > b);
}

const compareOwn: Compare = (a, b) => {
  if (!a.closeTime !== !b.closeTime) return a.closeTime ? 1 : -1;
  return (
    compareTexts(instant(b.closeTime) ?? '', instant(a.closeTime) ?? '') ||
    compareTexts(instant(b.startTime) ?? '', instant(a.startTime) ?? '') ||
    compareTexts(a.execution?.runId ?? '', b.execution?.runId ?? '')
  );
};

/** Negative when a stands above b. */
export function comparing(order: Order | undefined): Compare {
  if (!order) return compareOwn;
  return (a, b) => {
    const x = keyOf(order.column, a);
    const y = keyOf(order.column, b);
    if (x === undefined || y === undefined)
      return Number(x === undefined) - Number(y === undefined) || compareOwn(a, b);
    return (order.descending ? compareKeys(y, x) : compareKeys(x, y)) || compareOwn(a, b);
  };
}
