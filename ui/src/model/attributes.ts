/**
 * An event's attributes as a list to read, whatever its type: names in words, and of each value what it
 * is. Works from the shape of the messages alone, so that types added later are shown in full, too.
 */

import { idOf, type Attributes, type Execution, type Failure, type Payload } from './proto';
import { payloadList, payloadPreview } from './payloads';

export type AttributeValue =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'enum'; readonly text: string }
  | { readonly is: 'duration'; readonly text: string }
  | { readonly is: 'time'; readonly text: string }
  | { readonly is: 'event'; readonly id: number }
  | { readonly is: 'execution'; readonly workflowId: string; readonly runId: string }
  | { readonly is: 'payloads'; readonly payloads: Payload[] }
  | { readonly is: 'failure'; readonly failure: Failure };

export interface Attribute {
  /** `startToCloseTimeout` → `Start to close timeout`; of nested ones both names. */
  readonly name: string;
  readonly value: AttributeValue;
}

/** `startToCloseTimeout` → `Start to close timeout`. */
export function nameWords(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/\bid\b/g, 'id');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isPayload(value: unknown): value is Payload {
  return isRecord(value) && (isRecord(value['metadata']) || isRecord(value['externalPayloads']));
}

function isPayloads(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value['payloads']);
}

function isFailure(name: string, value: unknown): value is Failure {
  return isRecord(value) && /failure$/i.test(name) && !/Info$/.test(name);
}

function isExecution(value: unknown): value is Execution {
  if (!isRecord(value) || typeof value['workflowId'] !== 'string') return false;
  return Object.keys(value).every((k) => k === 'workflowId' || k === 'runId');
}

const enumValue = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/;
const durationValue = /^-?\d+(\.\d+)?s$/;
const timeValue = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** `RETRY_STATE_IN_PROGRESS` of the field `retryState` → `In progress`. */
function enumText(field: string, value: string): string {
  const prefix = field.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase() + '_';
  const at = value.indexOf(prefix);
  const rest = at >= 0 ? value.slice(at + prefix.length) : value;
  const words = rest.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Texts that only look like an enum's or a duration's value are what somebody wrote. */
function scalar(field: string, value: string): AttributeValue {
  if (/EventId$/.test(field) && idOf(value) > 0) return { is: 'event', id: idOf(value) };
  if (timeValue.test(value)) return { is: 'time', text: value };
  if (durationValue.test(value) && /(timeout|interval|delay|backoff|duration|ttl)/i.test(field)) {
    return { is: 'duration', text: value };
  }
  const named = /(state|type|cause|kind|policy|initiator|behavior|origin|category|reasons?|status)$/i;
  if (enumValue.test(value) && named.test(field)) {
    return { is: 'enum', text: enumText(field, value) };
  }
  return { is: 'text', text: value };
}

function walk(prefix: string, field: string, value: unknown, out: Attribute[], depth: number): void {
  const own = nameWords(field);
  const name = prefix ? `${prefix} · ${own.charAt(0).toLowerCase()}${own.slice(1)}` : own;
  const put = (v: AttributeValue): void => void out.push({ name, value: v });
  if (value === undefined || value === null || value === '') return;
  if (typeof value === 'string') return put(scalar(field, value));
  if (typeof value === 'number' || typeof value === 'boolean') {
    if (/EventId$/.test(field)) return put({ is: 'event', id: idOf(value) });
    return put({ is: 'text', text: String(value) });
  }
  if (isPayload(value)) return put({ is: 'payloads', payloads: [value] });
  if (isPayloads(value)) return put({ is: 'payloads', payloads: payloadList(value) });
  if (isFailure(field, value)) return put({ is: 'failure', failure: value });
  if (isExecution(value)) {
    return put({ is: 'execution', workflowId: value.workflowId ?? '', runId: value.runId ?? '' });
  }
  if (depth > 6) return put({ is: 'text', text: JSON.stringify(value) });
  if (Array.isArray(value)) {
    if (value.every((v) => typeof v === 'string')) {
      return value.forEach((v: string) => put(scalar(field, v)));
    }
    return value.forEach((v, i) => walk(name, `${i + 1}`, v, out, depth + 1));
  }
  const fields = Object.entries(value as Attributes);
  if (fields.length === 1 && fields[0]?.[0] === 'name') {
    return walk(prefix, field, fields[0][1], out, depth + 1);
  }
  const userNames = /^(fields|indexedFields|details|metadata|nexusHeader)$/.test(field);
  for (const [key, one] of fields) {
    if (userNames) namedByUser(prefix || own, key, one, out, depth);
    else walk(name, key, one, out, depth + 1);
  }
}

/** Maps whose keys somebody chose: the key is shown as it is. */
function namedByUser(prefix: string, key: string, value: unknown, out: Attribute[], depth: number): void {
  const from = out.length;
  walk('', key, value, out, depth + 1);
  for (let i = from; i < out.length; i++) {
    const one = out[i] as Attribute;
    out[i] = { ...one, name: `${prefix} · ${key}` };
  }
}

export function listAttributes(attributes: Attributes): Attribute[] {
  const out: Attribute[] = [];
  for (const [field, value] of Object.entries(attributes)) walk('', field, value, out, 0);
  return out;
}

/** What SDKs set for themselves: of use to them, and to nobody at a glance. */
const ofSdks = new Set(['BuildIds', 'TemporalChangeVersion', 'TemporalWorkflowVersioningBehavior']);

export function setBySdk(name: string): boolean {
  return ofSdks.has(name) || name.startsWith('TemporalWorkerDeployment');
}

/** A short value on one line, a text without the quotes that JSON puts around it. */
export function attributeText(payload: Payload, max = 300): string {
  const preview = payloadPreview(payload, max);
  return /^"[^"\\]*"$/.test(preview) ? preview.slice(1, -1) : preview;
}
