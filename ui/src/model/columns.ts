import { strings } from '@/strings';
import { payloadPreview } from './payloads';
import { nextOrder } from './table';
import { durationMs, type ExecutionInfo, timeMs } from './proto';
import { statusName } from '@/design/states';

/**
 * The columns of lists of runs: a column's id is what saved views and settings hold. `SA:Name` is a search
 * attribute of the namespace.
 */
export type ColumnKind = 'status' | 'id' | 'text' | 'time' | 'duration' | 'number' | 'bytes';

export interface Column {
  id: string;
  name: string;
  kind: ColumnKind;
  /** A track of a CSS grid. */
  width: string;
  /** The name in the query language, if the column has one. */
  field?: string;
  value: (row: ExecutionInfo) => string | number | undefined;
}

const names = strings.workflows.columns;

const count = (text: string | undefined) => (text === undefined ? undefined : Number(text));

export function startOf(row: ExecutionInfo): number {
  return timeMs(row.startTime);
}

export const builtIn: readonly Column[] = [
  {
    id: 'status', name: names.status, kind: 'status', width: '112px', field: 'ExecutionStatus',
    value: (r) => statusName(r.status),
  },
  {
    id: 'workflowId', name: names.workflowId, kind: 'id', width: 'minmax(160px, 2fr)', field: 'WorkflowId',
    value: (r) => r.execution?.workflowId,
  },
  {
    id: 'type', name: names.type, kind: 'text', width: 'minmax(110px, 1.2fr)', field: 'WorkflowType',
    value: (r) => r.type?.name,
  },
  {
    id: 'startTime', name: names.startTime, kind: 'time', width: '104px', field: 'StartTime',
    value: (r) => r.startTime,
  },
  {
    id: 'duration', name: names.duration, kind: 'duration', width: '84px', field: 'ExecutionDuration',
    value: (r) => (r.closeTime ? timeMs(r.closeTime) - startOf(r) : undefined),
  },
  {
    id: 'taskQueue', name: names.taskQueue, kind: 'text', width: 'minmax(100px, 1fr)', field: 'TaskQueue',
    value: (r) => r.taskQueue,
  },
  {
    id: 'runId', name: names.runId, kind: 'id', width: 'minmax(130px, 1fr)', field: 'RunId',
    value: (r) => r.execution?.runId,
  },
  {
    id: 'closeTime', name: names.closeTime, kind: 'time', width: '104px', field: 'CloseTime',
    value: (r) => r.closeTime,
  },
  {
    id: 'executionTime', name: names.executionTime, kind: 'time', width: '118px', field: 'ExecutionTime',
    value: (r) => r.executionTime,
  },
  {
    id: 'historyLength', name: names.historyLength, kind: 'number', width: '72px', field: 'HistoryLength',
    value: (r) => count(r.historyLength),
  },
  {
    id: 'historySize', name: names.historySize, kind: 'bytes', width: '96px', field: 'HistorySizeBytes',
    value: (r) => count(r.historySizeBytes),
  },
  {
    id: 'stateTransitions', name: names.stateTransitions, kind: 'number', width: '92px',
    field: 'StateTransitionCount', value: (r) => count(r.stateTransitionCount),
  },
  {
    id: 'parentId', name: names.parentId, kind: 'id', width: 'minmax(110px, 1fr)', field: 'ParentWorkflowId',
    value: (r) => r.parentExecution?.workflowId,
  },
  {
    id: 'rootId', name: names.rootId, kind: 'id', width: 'minmax(110px, 1fr)', field: 'RootWorkflowId',
    value: (r) => r.rootExecution?.workflowId,
  },
];

export const usualColumns: readonly string[] = [
  'status', 'workflowId', 'type', 'startTime', 'duration', 'taskQueue',
];

const prefix = 'SA:';

function attributeColumn(name: string): Column {
  return {
    id: prefix + name,
    name,
    kind: 'text',
    width: 'minmax(90px, 1fr)',
    field: name,
    value: (row) => {
      const payload = row.searchAttributes?.indexedFields?.[name];
      return payload && attributeText(payloadPreview(payload, 200));
    },
  };
}

/** A text without its quotes; anything else as its JSON. */
function attributeText(json: string): string {
  return /^"[^"\\]*"$/.test(json) ? json.slice(1, -1) : json;
}

/** What can be shown in a namespace with these attributes. */
export function allColumns(attributes: readonly string[]): Column[] {
  return [...builtIn, ...attributes.map(attributeColumn)];
}

/** The columns of these ids; unknown ones are left out, except attributes, which another client may know. */
export function columnsOf(ids: readonly string[]): Column[] {
  const wanted = ids.length > 0 ? ids : usualColumns;
  const found = wanted.flatMap((id) => {
    const known = builtIn.find((c) => c.id === id);
    return known ?? (id.startsWith(prefix) ? attributeColumn(id.slice(prefix.length)) : []);
  });
  return found.length > 0 ? found : columnsOf(usualColumns);
}

/** Set to the right, and descending first. */
export function isNumeric(column: Column): boolean {
  return ['time', 'duration', 'number', 'bytes'].includes(column.kind);
}

/** A click on a column: descending first for numbers and times, then the other way, then the list's own order. */
export function nextSort(column: Column, sort: string): string {
  return nextOrder(column.id, isNumeric(column), sort);
}

/** How long the run has taken, or takes so far. */
export function durationOf(row: ExecutionInfo, now: number): number {
  const stated = durationMs(row.executionDuration);
  if (row.closeTime && !Number.isNaN(stated)) return stated;
  return (row.closeTime ? timeMs(row.closeTime) : now) - startOf(row);
}
