/**
 * Histories as files. What is written is what `temporal workflow show --output json` prints and every
 * SDK's replayer reads: `{"events": […]}` in proto3 JSON, payloads as base64. What is read is more: that
 * form, an answer of the API, a bare list, one event a line, snake_case names, older enum names, numbers,
 * payloads in the shorthand form. Whatever was read, downloading it again gives the form that replays.
 *
 * A file may hold anything, so shapes are checked here, once: what leaves has the types that proto.ts says.
 */

import { attributesKey, eventTypeName, knownEventTypes } from './events';
import { jsonPayload, sizeWords } from './payloads';
import { idOf, timeMs, type HistoryEvent } from './proto';

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

/** Larger files are refused: a text of twice the size would come near to what a browser can hold. */
export const historyFileMax = 256 * 1024 * 1024;

/** Why a file is not even looked into; "" for one that is. */
export function fileObjection(sizeBytes: number, head: Uint8Array): string {
  if (sizeBytes === 0) return 'it is empty';
  if (sizeBytes > historyFileMax)
    return `it has ${sizeWords(sizeBytes)}, at most ${sizeWords(historyFileMax)} are read`;
  return head.includes(0) || head[0] === 0x1f ? 'it is not text; unpack it first if it is packed' : '';
}

type Source = { source?: string };
const exact = JSON as unknown as {
  rawJSON?: (text: string) => unknown;
  parse: (text: string, reviver: (key: string, value: unknown, context?: Source) => unknown) => unknown;
};

/** Integers that a double cannot hold stay as they are written, where the browser lets us see that. */
function keepDigits(_key: string, value: unknown, context?: Source): unknown {
  const { source } = context ?? {};
  if (typeof value !== 'number' || !source || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
  return exact.rawJSON?.(source) ?? value;
}

function parseJson(text: string): unknown {
  return /[:[,\s]-?\d{16,}\s*[,\]}]/.test(text) ? exact.parse(text, keepDigits) : JSON.parse(text);
}

function parse(text: string): unknown {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  try {
    return parseJson(trimmed);
  } catch (error) {
    const lines = trimmed.split('\n').filter((l) => l.trim() !== '');
    if (lines.length > 1 && lines.every((l) => l.trimStart().startsWith('{'))) {
      try {
        return lines.map(parseJson);
      } catch {
        // Not one value a line either: the first complaint says more.
      }
    }
    throw new ImportError(error instanceof Error ? error.message : String(error));
  }
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPayload(value: unknown): boolean {
  return isFields(value) && (isFields(value['metadata']) || typeof value['data'] === 'string');
}

/** A payload as it is, or the one that a shorthand value stands for. */
function toPayload(value: unknown): unknown {
  return isPayload(value) ? value : jsonPayload(JSON.stringify(value) ?? 'null');
}

/** Fields that hold a list of payloads, maps from names to payloads, and those inside an event. */
const payloadLists = /^(input|signalInput|result|details|args|success|last(Completion|Heartbeat)?(Result|Details))$/;
const payloadMaps = new Set(['fields', 'indexedFields']);

/**
 * In place: null is what the API leaves out, and shorthand values become the payloads they stand for.
 * A marker's `details` is a map of lists, everything else of that name a list.
 */
function tidy(value: unknown): void {
  if (Array.isArray(value)) return value.forEach(tidy);
  if (!isFields(value)) return;
  for (const [key, one] of Object.entries(value)) {
    if (one === null) delete value[key];
    else if (payloadLists.test(key) && Array.isArray(one)) value[key] = { payloads: one.map(toPayload) };
    else if (key === 'payloads' && Array.isArray(one)) value[key] = one.map(toPayload);
    else if (key === 'details' && isFields(one) && !one['payloads']) value[key] = markerDetails(one);
    else if (payloadMaps.has(key) && isFields(one))
      value[key] = Object.fromEntries(Object.entries(one).map(([name, p]) => [name, toPayload(p)]));
    else tidy(one);
  }
}

function markerDetails(details: Fields): Fields {
  const list = (one: unknown): unknown => (Array.isArray(one) ? { payloads: one.map(toPayload) } : one);
  return Object.fromEntries(Object.entries(details).map(([name, one]) => [name, list(one)]));
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
  const time = event['eventTime'] ?? undefined;
  if (time !== undefined && (typeof time !== 'string' || Number.isNaN(timeMs(time)))) {
    throw new ImportError(`events[${index}].eventTime: ${String(time)} is not a time`);
  }
  // Protobuf's older JSON has the attributes under the oneof's name.
  const wrapped = event['Attributes'] ?? event['attributes'];
  if (wrapped && typeof wrapped === 'object') Object.assign(event, wrapped);
  tidy(event);
  return { ...event, eventId: String(id), eventType: `EVENT_TYPE_${type}` };
}

/** Events of a history file, in order. Throws ImportError, which names what is wrong and where. */
export function importHistory(text: string): HistoryEvent[] {
  const found = readEvents(parse(text));
  if (!found || found.length === 0) throw new ImportError('it holds no events; a history is {"events": […]}');
  const events = found.map(normal).sort((a, b) => idOf(a.eventId) - idOf(b.eventId));
  for (let i = 0; i < events.length; i++) {
    const id = idOf(events[i]?.eventId);
    const wanted = idOf(events[0]?.eventId) + i;
    if (id !== wanted) throw new ImportError(`event ${wanted} is missing, after it comes ${id}`);
  }
  return events;
}
