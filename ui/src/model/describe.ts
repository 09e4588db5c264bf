/**
 * Events and steps in words: a name, and on one line whatever tells the most about it. Made for one row
 * when it comes into view.
 */

import { executionStrings as words } from '../strings/execution';
import { eventWords } from './events';
import { failureLine } from './failure';
import type { EventView, Step } from './history';
import { decodePayload, payloadList, payloadPreview, payloadsPreview } from './payloads';
import {
  durationMs,
  enumWords,
  type Attributes,
  type Execution,
  type Failure,
  type Memo,
  type Payload,
  type SearchAttributes,
  type TaskQueue,
  type TypeName,
  type UserMetadata,
} from './proto';
import { spanWords } from './time';

export function eventName(event: EventView): string {
  return eventWords(event.type);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function typeName(value: unknown): string {
  return (value as TypeName | undefined)?.name ?? '';
}

function queue(a: Attributes): string {
  return (a['taskQueue'] as TaskQueue | undefined)?.name ?? '';
}

function workflowId(a: Attributes): string {
  return (a['workflowExecution'] as Execution | undefined)?.workflowId ?? text(a['workflowId']);
}

function failure(a: Attributes): string {
  return failureLine(a['failure'] as Failure | undefined);
}

function joined(...parts: (string | undefined | false)[]): string {
  return parts.filter(Boolean).join(' · ');
}

function attempt(a: Attributes): string {
  const n = Number(a['attempt'] ?? 1);
  return n > 1 ? words.attempt(n) : '';
}

function span(value: unknown): string {
  const ms = durationMs(text(value));
  return Number.isNaN(ms) ? '' : spanWords(ms);
}

function retryState(a: Attributes): string {
  return enumWords(text(a['retryState']), 'RETRY_STATE');
}

function names(fields: Record<string, unknown> | undefined): string {
  return Object.keys(fields ?? {}).join(', ');
}

interface UpdateRequest {
  meta?: { updateId?: string; identity?: string };
  input?: { name?: string; args?: unknown; header?: unknown };
}

interface UpdateOutcome {
  success?: unknown;
  failure?: Failure;
}

function updateRequest(a: Attributes): UpdateRequest | undefined {
  return (a['acceptedRequest'] ?? a['rejectedRequest'] ?? a['request']) as UpdateRequest | undefined;
}

const details: Record<string, (a: Attributes) => string> = {
  WORKFLOW_EXECUTION_STARTED: (a) =>
    joined(typeName(a['workflowType']), attempt(a), payloadsPreview(a['input'])),
  WORKFLOW_EXECUTION_COMPLETED: (a) => payloadsPreview(a['result']),
  WORKFLOW_EXECUTION_FAILED: (a) => joined(failure(a), retryState(a)),
  WORKFLOW_EXECUTION_TIMED_OUT: retryState,
  WORKFLOW_EXECUTION_CANCELED: (a) => payloadsPreview(a['details']),
  WORKFLOW_EXECUTION_TERMINATED: (a) => joined(text(a['reason']), text(a['identity'])),
  WORKFLOW_EXECUTION_CANCEL_REQUESTED: (a) => joined(text(a['cause']), text(a['identity'])),
  WORKFLOW_EXECUTION_CONTINUED_AS_NEW: (a) =>
    joined(
      enumWords(text(a['initiator']), 'CONTINUE_AS_NEW_INITIATOR'),
      text(a['newExecutionRunId']),
    ),
  WORKFLOW_EXECUTION_PAUSED: (a) => joined(text(a['reason']), text(a['identity'])),
  WORKFLOW_EXECUTION_UNPAUSED: (a) => joined(text(a['reason']), text(a['identity'])),
  WORKFLOW_EXECUTION_SIGNALED: (a) =>
    joined(text(a['signalName']), payloadsPreview(a['input']), text(a['identity'])),
  UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: (a) =>
    names((a['searchAttributes'] as SearchAttributes | undefined)?.indexedFields),
  WORKFLOW_PROPERTIES_MODIFIED: (a) => names((a['upsertedMemo'] as Memo | undefined)?.fields),

  WORKFLOW_TASK_SCHEDULED: (a) => joined(queue(a), attempt(a)),
  WORKFLOW_TASK_STARTED: (a) => text(a['identity']),
  WORKFLOW_TASK_COMPLETED: (a) => text(a['identity']),
  WORKFLOW_TASK_TIMED_OUT: (a) => enumWords(text(a['timeoutType']), 'TIMEOUT_TYPE'),
  WORKFLOW_TASK_FAILED: (a) =>
    joined(enumWords(text(a['cause']), 'WORKFLOW_TASK_FAILED_CAUSE'), failure(a)),

  ACTIVITY_TASK_SCHEDULED: (a) =>
    joined(typeName(a['activityType']), queue(a), payloadsPreview(a['input'])),
  ACTIVITY_TASK_STARTED: (a) =>
    joined(attempt(a), text(a['identity']), failureLine(a['lastFailure'] as Failure | undefined)),
  ACTIVITY_TASK_COMPLETED: (a) => payloadsPreview(a['result']),
  ACTIVITY_TASK_FAILED: (a) => joined(failure(a), retryState(a)),
  ACTIVITY_TASK_TIMED_OUT: (a) => joined(failure(a), retryState(a)),
  ACTIVITY_TASK_CANCELED: (a) => payloadsPreview(a['details']),

  TIMER_STARTED: (a) => joined(span(a['startToFireTimeout']), words.timerId(text(a['timerId']))),
  TIMER_FIRED: (a) => words.timerId(text(a['timerId'])),
  TIMER_CANCELED: (a) => words.timerId(text(a['timerId'])),

  START_CHILD_WORKFLOW_EXECUTION_INITIATED: (a) =>
    joined(typeName(a['workflowType']), text(a['workflowId']), payloadsPreview(a['input'])),
  START_CHILD_WORKFLOW_EXECUTION_FAILED: (a) =>
    joined(
      enumWords(text(a['cause']), 'START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE'),
      text(a['workflowId']),
    ),
  CHILD_WORKFLOW_EXECUTION_STARTED: (a) => joined(typeName(a['workflowType']), workflowId(a)),
  CHILD_WORKFLOW_EXECUTION_COMPLETED: (a) => payloadsPreview(a['result']),
  CHILD_WORKFLOW_EXECUTION_FAILED: (a) => joined(failure(a), retryState(a)),
  CHILD_WORKFLOW_EXECUTION_CANCELED: (a) => joined(workflowId(a), payloadsPreview(a['details'])),
  CHILD_WORKFLOW_EXECUTION_TIMED_OUT: (a) => joined(workflowId(a), retryState(a)),
  CHILD_WORKFLOW_EXECUTION_TERMINATED: workflowId,

  SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: (a) =>
    joined(text(a['signalName']), workflowId(a), payloadsPreview(a['input'])),
  SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: (a) =>
    joined(
      enumWords(text(a['cause']), 'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE'),
      workflowId(a),
    ),
  EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: workflowId,
  REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: (a) =>
    joined(workflowId(a), text(a['reason'])),
  REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: (a) =>
    joined(
      enumWords(text(a['cause']), 'CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE'),
      workflowId(a),
    ),
  EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED: workflowId,

  WORKFLOW_EXECUTION_UPDATE_ADMITTED: updateLine,
  WORKFLOW_EXECUTION_UPDATE_ACCEPTED: updateLine,
  WORKFLOW_EXECUTION_UPDATE_REJECTED: (a) => joined(updateLine(a), failure(a)),
  WORKFLOW_EXECUTION_UPDATE_COMPLETED: (a) => {
    const outcome = a['outcome'] as UpdateOutcome | undefined;
    return outcome?.failure ? failureLine(outcome.failure) : payloadsPreview(outcome?.success);
  },

  MARKER_RECORDED: (a) => joined(markerName(a), failure(a)),

  NEXUS_OPERATION_SCHEDULED: (a) =>
    joined(
      [text(a['service']), text(a['operation'])].filter(Boolean).join('/'),
      text(a['endpoint']),
      a['input'] ? payloadPreview(a['input'] as Payload) : '',
    ),
  NEXUS_OPERATION_COMPLETED: (a) => (a['result'] ? payloadPreview(a['result'] as Payload) : ''),
  NEXUS_OPERATION_FAILED: failure,
  NEXUS_OPERATION_TIMED_OUT: failure,
  NEXUS_OPERATION_CANCELED: failure,
};

function updateLine(a: Attributes): string {
  const request = updateRequest(a);
  return joined(request?.input?.name, payloadsPreview(request?.input?.args));
}

/** What tells the most about an event, on one line; "" where its name says all. */
export function eventDetail(event: EventView): string {
  const make = details[event.type];
  return joined(summaryText(event), make?.(event.attributes));
}

/** The one-line summary that workflow code gave the command. */
export function summaryText(event: EventView | undefined): string {
  const summary = (event?.raw.userMetadata as UserMetadata | undefined)?.summary;
  if (!summary) return '';
  const shown = decodePayload(summary).text;
  return shown.startsWith('"') ? (stringValue(shown) ?? shown) : shown;
}

function stringValue(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Names under which SDKs record local activities. */
const localActivityMarkers = new Set(['core_local_activity', 'LocalActivity']);

export function isLocalActivity(event: EventView): boolean {
  return localActivityMarkers.has(text(event.attributes['markerName']));
}

/** A local activity's own name, where its marker carries one; else the marker's. */
function markerName(a: Attributes): string {
  const name = text(a['markerName']);
  const fields = a['details'] as Record<string, unknown> | undefined;
  if (!fields) return name;
  if (localActivityMarkers.has(name)) {
    const type = markerField(fields, ['activity_type', 'ActivityType', 'type']);
    return type ? `${type} (${words.localActivity})` : words.localActivity;
  }
  if (name === 'Version' || name === 'core_patch') {
    const id = markerField(fields, ['change-id', 'changeId', 'id', 'patch-data']);
    return joined(name, id);
  }
  return name;
}

function markerField(fields: Record<string, unknown>, keys: string[]): string {
  for (const [field, value] of Object.entries(fields)) {
    const first = payloadList(value)[0];
    if (!first) continue;
    const shown = decodePayload(first).text;
    if (keys.includes(field)) return stringValue(shown) ?? shown;
    if (!shown.startsWith('{')) continue;
    try {
      const inner = JSON.parse(shown) as Record<string, unknown>;
      for (const key of keys) if (typeof inner[key] === 'string') return inner[key];
    } catch {
      continue;
    }
  }
  return '';
}

/** A step's own name: the activity's type, the signal's name, how long the timer is. */
export function stepName(step: Step): string {
  const first = step.open ?? step.events[0];
  if (!first) return '';
  const a = first.attributes;
  const other = (step.close ?? step.start)?.attributes ?? a;
  switch (step.kind) {
    case 'activity':
      return typeName(a['activityType']) || words.eventNumber(words.kinds.activity, step.anchor);
    case 'timer':
      return (
        summaryText(step.open) || span(a['startToFireTimeout']) || words.timerId(text(a['timerId']))
      );
    case 'child':
      return typeName(a['workflowType']) || typeName(other['workflowType']) || workflowId(other);
    case 'signal':
    case 'externalSignal':
      return text(a['signalName']) || words.kinds[step.kind];
    case 'externalCancel':
      return workflowId(a) || words.kinds.externalCancel;
    case 'update':
      return updateRequest(a)?.input?.name || decodeURIComponent(step.key.slice(step.key.indexOf(':') + 1));
    case 'marker':
      return markerName(a);
    case 'nexus':
      return text(a['operation']) || words.kinds.nexus;
    case 'task':
      return words.kinds.task;
    default:
      return eventName(first);
  }
}

/** What tells the most about a step on one line: how it ended, else what went in. */
export function stepDetail(step: Step): string {
  const parts = [];
  const open = step.open ?? step.events[0];
  if (step.kind === 'child' && open) {
    const id = workflowId(step.start?.attributes ?? open.attributes);
    if (id) parts.push(id);
  }
  if (step.kind === 'externalSignal' && open) parts.push(workflowId(open.attributes));
  const summary = summaryText(step.open);
  if (summary && summary !== stepName(step)) parts.push(summary);
  const told = step.kind === 'activity' || step.kind === 'child';
  const said = step.close ?? (told || step.events.length === 1 ? undefined : step.start);
  if (said && said.type !== 'TIMER_FIRED' && step.kind !== 'task') {
    parts.push(details[said.type]?.(said.attributes));
  } else if (open) {
    parts.push(stepInput(step, open));
  }
  if (step.kind === 'task' && step.outcome === 'failed' && step.close) {
    parts.push(details['WORKFLOW_TASK_FAILED']?.(step.close.attributes));
  }
  return joined(...parts);
}

function stepInput(step: Step, open: EventView): string {
  const a = open.attributes;
  switch (step.kind) {
    case 'activity':
    case 'child':
    case 'signal':
    case 'externalSignal':
      return payloadsPreview(a['input']);
    case 'update':
      return payloadsPreview(updateRequest(a)?.input?.args);
    case 'timer':
      return step.open ? words.timerId(text(a['timerId'])) : '';
    case 'workflow':
      return details[open.type]?.(a) ?? '';
    case 'task':
      return text((step.start ?? open).attributes['identity']);
    default:
      return '';
  }
}

/** How many times an activity or a task was tried, as far as its events say. */
export function stepAttempts(step: Step): number {
  const from = step.kind === 'task' ? step.open : step.start;
  return Number(from?.attributes['attempt'] ?? 1);
}
