/**
 * Payloads as a reader sees them. Decoding happens when a payload comes into view, never for a whole
 * history; nothing here yields markup, only text.
 */

import { compactJson, isJson, prettyJson } from './json';
import type { Payload, Payloads } from './proto';

export type PayloadKind = 'json' | 'text' | 'null' | 'binary' | 'encrypted' | 'external';

export interface DecodedPayload {
  readonly kind: PayloadKind;
  /** As the metadata names it, "" when it names none. */
  readonly encoding: string;
  /** The protobuf message that the data holds, where the metadata says so. */
  readonly messageType?: string;
  /** Bytes as sent; for external storage the size it states. */
  readonly size: number;
  /** Text of a text or JSON payload, as sent; "null" for null; "" for bytes. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const empty = new Uint8Array(0);

export function base64Bytes(text: string | undefined): Uint8Array {
  if (!text) return empty;
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return bytes;
}

export function bytesBase64(bytes: Uint8Array): string {
  let plain = '';
  for (let i = 0; i < bytes.length; i += 0x8000) {
    plain += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(plain);
}

export function textBase64(text: string): string {
  return bytesBase64(new TextEncoder().encode(text));
}

function tryBase64(text: string | undefined): Uint8Array {
  try {
    return base64Bytes(text);
  } catch {
    return empty;
  }
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Text of one metadata entry. */
export function metadataText(payload: Payload, key: string): string {
  const value = payload.metadata?.[key];
  return value === undefined ? '' : (asText(tryBase64(value)) ?? '');
}

function kindOf(encoding: string, payload: Payload): PayloadKind {
  if (payload.externalPayloads && payload.externalPayloads.length > 0) return 'external';
  switch (encoding) {
    case 'json/plain':
    case 'json/protobuf':
      return 'json';
    case 'binary/null':
      return 'null';
    case 'binary/encrypted':
      return 'encrypted';
    case 'text/plain':
      return 'text';
    default:
      return 'binary';
  }
}

const decoded = new WeakMap<Payload, DecodedPayload>();
const readable = new WeakMap<Payload, Payload>();
let readCount = 0;

/** From now on a payload is read as another one: what the operator's codec made of it. */
export function readAs(payload: Payload, plain: Payload): void {
  readable.set(payload, plain);
  decoded.delete(payload);
  readCount++;
}

/** Rises with each of those, for whoever keeps what was read. */
export function readings(): number {
  return readCount;
}

/** Whether a codec made this payload readable. */
export function wasDecoded(payload: Payload): boolean {
  return readable.has(payload);
}

/** What an SDK's own converters make; anything else is a codec's work, or nobody's that we know. */
const plainEncodings = new Set(['json/plain', 'json/protobuf', 'binary/protobuf', 'binary/null', 'binary/plain', 'text/plain', '']);

/** Whether only a codec can tell what a payload says. */
export function isEncoded(payload: Payload): boolean {
  return !plainEncodings.has(decodePayload(payload).encoding);
}

/** A payload among other messages: it alone says how it is encoded. */
export function isPayload(value: object): value is Payload {
  const { metadata } = value as Payload;
  return typeof metadata === 'object' && metadata !== null && 'encoding' in metadata;
}

/** The payloads anywhere in a message, in its order. */
export function payloadsIn(value: unknown, out: Payload[] = [], depth = 0): Payload[] {
  if (typeof value !== 'object' || value === null || depth > 100) return out;
  if (isPayload(value)) out.push(value);
  else for (const one of Object.values(value)) payloadsIn(one, out, depth + 1);
  return out;
}

/** Decodes once; a payload that says JSON and holds something else is shown as what it is. */
export function decodePayload(sent: Payload): DecodedPayload {
  const known = decoded.get(sent);
  if (known) return known;
  const payload = readable.get(sent) ?? sent;
  const encoding = metadataText(payload, 'encoding');
  const messageType = metadataText(payload, 'messageType');
  const bytes = tryBase64(payload.data);
  let kind = kindOf(encoding, payload);
  let text = '';
  if (kind === 'null') text = 'null';
  if (kind === 'json' || kind === 'text') {
    const read = asText(bytes);
    if (read === undefined) kind = 'binary';
    else text = read;
  }
  const external = payload.externalPayloads?.reduce((sum, e) => sum + Number(e.sizeBytes ?? 0), 0);
  const result: DecodedPayload = {
    kind,
    encoding,
    size: external || bytes.length,
    text,
    bytes,
    ...(messageType ? { messageType } : {}),
  };
  decoded.set(sent, result);
  return result;
}

/**
 * The list in a `Payloads` field. A file may hold the shorthand form instead, a bare array of JSON values,
 * which is brought back to payloads.
 */
export function payloadList(value: unknown): Payload[] {
  if (Array.isArray(value)) return value.map(fromShorthand);
  const list = (value as Payloads | undefined | null)?.payloads;
  return Array.isArray(list) ? list : [];
}

function fromShorthand(value: unknown): Payload {
  return jsonPayload(JSON.stringify(value) ?? 'null');
}

/** A payload that holds this JSON text. */
export function jsonPayload(text: string): Payload {
  return { metadata: { encoding: textBase64('json/plain') }, data: textBase64(text) };
}

/** How much of a payload is laid out at first; the rest waits for "show all". */
export const payloadShownMax = 20_000;

export interface PayloadView {
  readonly text: string;
  /** Characters that were left out. */
  readonly cut: number;
  readonly json: boolean;
}

/** Text to show: pretty JSON, plain text, or a dump of bytes in hex, cut unless all is asked for. */
export function payloadView(payload: Payload, all = false, max = payloadShownMax, bytesALine = 16): PayloadView {
  const d = decodePayload(payload);
  if (d.kind === 'json' || d.kind === 'text' || d.kind === 'null') {
    const json = d.kind !== 'text' && isJson(d.text);
    const text = json ? prettyJson(d.text) : d.text;
    return cutText(text, all ? Infinity : max, json);
  }
  const shown = all ? d.bytes.length : Math.min(d.bytes.length, Math.floor(max / 5));
  return { text: hexDump(d.bytes.subarray(0, shown), bytesALine), cut: d.bytes.length - shown, json: false };
}

function cutText(text: string, max: number, json: boolean): PayloadView {
  if (text.length <= max) return { text, cut: 0, json };
  let end = text.lastIndexOf('\n', max);
  if (end < max / 2) end = max;
  return { text: text.slice(0, end), cut: text.length - end, json };
}

/** Lines of so many bytes: offset, hex, printable characters. */
export function hexDump(bytes: Uint8Array, width = 16): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += width) {
    const row = bytes.subarray(at, at + width);
    const hex = Array.from(row, (b) => b.toString(16).padStart(2, '0')).join(' ');
    const text = Array.from(row, (b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(width * 3 - 1)}  ${text}`);
  }
  return lines.join('\n');
}

/** One line of at most `max` characters; sizes stand for what has no text. */
export function payloadPreview(payload: Payload, max = 120): string {
  const d = decodePayload(payload);
  if (d.kind === 'json' || d.kind === 'text' || d.kind === 'null') {
    const part = d.text.length > max * 4 ? d.text.slice(0, max * 4) : d.text;
    const line = d.kind === 'json' ? compactJson(part) : part.replace(/\s+/g, ' ');
    return line.length > max || part.length < d.text.length ? line.slice(0, max - 1) + '…' : line;
  }
  const name = d.encoding || d.kind;
  return `${name} ${sizeWords(d.size)}`;
}

export function payloadsPreview(value: unknown, max = 120): string {
  const list = payloadList(value);
  let line = '';
  for (const payload of list) {
    if (line.length >= max) break;
    line += (line ? ', ' : '') + payloadPreview(payload, Math.max(max - line.length, 8));
  }
  return line;
}

/** Bytes in a reader's units: `812 B`, `3.4 kB`, `12 MB`. */
export function sizeWords(bytes: number): string {
  if (!(bytes >= 0)) return '';
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : String(Math.round(value))} ${units[unit] ?? ''}`;
}

/** Whether two payload lists hold the same encodings and bytes. */
export function samePayloads(a: unknown, b: unknown): boolean {
  const x = payloadList(a);
  const y = payloadList(b);
  return (
    x.length === y.length &&
    x.every((sent, i) => {
      const [p, q] = [readable.get(sent) ?? sent, readable.get(y[i] ?? {}) ?? y[i] ?? {}];
      return p.data === q.data && metadataText(p, 'encoding') === metadataText(q, 'encoding');
    })
  );
}
