/**
 * Histories as files. What is written is what `temporal workflow show --output json` prints and every
 * SDK's replayer reads: `{"events": […]}` in proto3 JSON, payloads as base64. What is read is more: that
 * form, an answer of the API, a bare list, one event a line, snake_case names, older enum names, numbers.
 */

import { attributesKey, eventTypeName, knownEventTypes } from './events';
import { idOf, type HistoryEvent } from './proto';

export function historyJson(events: readonly HistoryEvent[]): string {
  return JSON.stringify({ events }, undefined, 2) + '\n';
}

/** `<workflow id>_<run id>.json` without what file systems do not like. */
export function historyFileName(workflowId: string, runId: string): string {
  const plain = `${workflowId}_${runId}`.replace(/[^A-Za-z0-9._-]+/g, '-');
  return `${plain.slice(0, 180).replace(/^[-.]+/, '') || 'history'}.json`;
}

export class ImportError extends Error {
  override name = 'ImportError';
}

/** Number of each enum value in the API, where a file holds numbers; index 0 is "unspecified". */
const numbers: readonly string[] =
  `WORKFLOW_EXECUTION_STARTED WORKFLOW_EXECUTION_COMPLETED WORKFLOW_EXECUTION_FAILED
  WORKFLOW_EXECUTION_TIMED_OUT WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_STARTED WORKFLOW_TASK_COMPLETED
  WORKFLOW_TASK_TIMED_OUT WORKFLOW_TASK_FAILED ACTIVITY_TASK_SCHEDULED ACTIVITY_TASK_STARTED
  ACTIVITY_TASK_COMPLETED ACTIVITY_TASK_FAILED ACTIVITY_TASK_TIMED_OUT ACTIVITY_TASK_CANCEL_REQUESTED
  ACTIVITY_TASK_CANCELED TIMER_STARTED TIMER_FIRED TIMER_CANCELED WORKFLOW_EXECUTION_CANCEL_REQUESTED
  WORKFLOW_EXECUTION_CANCELED REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
  REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED
  MARKER_RECORDED WORKFLOW_EXECUTION_SIGNALED WORKFLOW_EXECUTION_TERMINATED
  WORKFLOW_EXECUTION_CONTINUED_AS_NEW START_CHILD_WORKFLOW_EXECUTION_INITIATED
  START_CHILD_WORKFLOW_EXECUTION_FAILED CHILD_WORKFLOW_EXECUTION_STARTED
  CHILD_WORKFLOW_EXECUTION_COMPLETED CHILD_WORKFLOW_EXECUTION_FAILED CHILD_WORKFLOW_EXECUTION_CANCELED
  CHILD_WORKFLOW_EXECUTION_TIMED_OUT CHILD_WORKFLOW_EXECUTION_TERMINATED
  SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED
  EXTERNAL_WORKFLOW_EXECUTION_SIGNALED UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
  WORKFLOW_EXECUTION_UPDATE_ACCEPTED WORKFLOW_EXECUTION_UPDATE_REJECTED
  WORKFLOW_EXECUTION_UPDATE_COMPLETED WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY
  ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY WORKFLOW_PROPERTIES_MODIFIED
  WORKFLOW_EXECUTION_UPDATE_ADMITTED NEXUS_OPERATION_SCHEDULED NEXUS_OPERATION_STARTED
  NEXUS_OPERATION_COMPLETED NEXUS_OPERATION_FAILED NEXUS_OPERATION_CANCELED NEXUS_OPERATION_TIMED_OUT
  NEXUS_OPERATION_CANCEL_REQUESTED WORKFLOW_EXECUTION_OPTIONS_UPDATED
  NEXUS_OPERATION_CANCEL_REQUEST_COMPLETED NEXUS_OPERATION_CANCEL_REQUEST_FAILED
  WORKFLOW_EXECUTION_PAUSED WORKFLOW_EXECUTION_UNPAUSED
  WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED`.split(/\s+/);

/** Fields whose keys are the user's own and keep their spelling. */
const userMaps = new Set(['metadata', 'fields', 'indexedFields', 'details', 'nexusHeader']);

function camelKeys(value: unknown, keep: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => camelKeys(one, false));
  if (value === null || typeof value !== 'object') return value;
  const out: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    const name = keep ? key : key.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
    const map = userMaps.has(name) && !(one as { payloads?: unknown } | null)?.payloads;
    out[name] = camelKeys(one, map);
  }
  return out;
}

function readEvents(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value.flatMap((one) => readEvents(one) ?? [one]);
  if (value === null || typeof value !== 'object') return undefined;
  const box = value as Record<string, unknown>;
  if (Array.isArray(box['events'])) return box['events'];
  for (const key of ['history', 'History', 'rawHistory']) {
    const inner = box[key] === undefined ? undefined : readEvents(box[key]);
    if (inner) return inner;
  }
  if ('eventId' in box || 'event_id' in box) return [box];
  return undefined;
}

function parse(text: string): unknown {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  try {
    return JSON.parse(trimmed);
  } catch (error) {
    const lines = trimmed.split('\n').filter((l) => l.trim() !== '');
    if (lines.length > 1 && lines.every((l) => l.trimStart().startsWith('{'))) {
      try {
        return lines.map((l) => JSON.parse(l) as unknown);
      } catch {
        // Not one value a line either: the first complaint says more.
      }
    }
    throw new ImportError(error instanceof Error ? error.message : String(error));
  }
}

function typeOf(event: Record<string, unknown>): string {
  const type = event['eventType'];
  if (typeof type === 'number') return numbers[type - 1] ?? 'UNSPECIFIED';
  if (typeof type === 'string' && type !== '') return eventTypeName(type);
  const key = Object.keys(event).find((k) => k.endsWith('EventAttributes'));
  return knownEventTypes.find((name) => attributesKey(name) === key) ?? 'UNSPECIFIED';
}

function normal(value: unknown, index: number): HistoryEvent {
  if (value === null || typeof value !== 'object') {
    throw new ImportError(`events[${index}]: is not an object`);
  }
  const snake = 'event_id' in value || 'event_type' in value;
  const event = (snake ? camelKeys(value, false) : { ...value }) as Record<string, unknown>;
  const type = typeOf(event);
  const id = idOf(event['eventId']);
  if (!Number.isSafeInteger(id) || id < 1) {
    throw new ImportError(`events[${index}].eventId: ${String(event['eventId'])} is not an event id`);
  }
  // Protobuf's older JSON has the attributes under the oneof's name.
  const wrapped = event['Attributes'] ?? event['attributes'];
  if (wrapped && typeof wrapped === 'object') Object.assign(event, wrapped);
  return { ...event, eventId: String(id), eventType: `EVENT_TYPE_${type}` };
}

/** Events of a history file, in order. Throws ImportError, which names what is wrong and where. */
export function importHistory(text: string): HistoryEvent[] {
  const found = readEvents(parse(text));
  if (!found || found.length === 0) throw new ImportError('the file holds no events');
  const events = found.map(normal).sort((a, b) => idOf(a.eventId) - idOf(b.eventId));
  for (let i = 0; i < events.length; i++) {
    const id = idOf(events[i]?.eventId);
    const wanted = idOf(events[0]?.eventId) + i;
    if (id !== wanted) throw new ImportError(`event ${wanted} is missing, after it comes ${id}`);
  }
  return events;
}
