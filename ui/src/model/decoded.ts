/**
 * Histories as JSON with what their payloads say in place of base64: to be read, not replayed. A
 * payload's own text is put in as it was sent, so numbers of any size stay exact.
 */

import { isJson, prettyJson } from './json';
import { bytesBase64, decodePayload, isPayload } from './payloads';
import type { HistoryEvent, Payload } from './proto';

function payloadText(payload: Payload): string {
  const d = decodePayload(payload);
  if (d.kind === 'null') return 'null';
  if (d.kind === 'text') return JSON.stringify(d.text);
  if (d.kind === 'json' && isJson(d.text)) return prettyJson(d.text);
  return prettyJson(JSON.stringify({ encoding: d.encoding, size: d.size, data: bytesBase64(d.bytes) }));
}

function write(value: unknown, margin: string, out: string[]): void {
  if (value === null || typeof value !== 'object') {
    out.push(JSON.stringify(value) ?? 'null');
    return;
  }
  if (isPayload(value)) {
    out.push(payloadText(value).replaceAll('\n', `\n${margin}`));
    return;
  }
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  const [opener, closer] = list ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) {
    out.push(opener, closer);
    return;
  }
  const inner = `${margin}  `;
  out.push(opener);
  entries.forEach(([key, one], i) => {
    out.push(i > 0 ? ',\n' : '\n', inner, list ? '' : `${JSON.stringify(key)}: `);
    write(one, inner, out);
  });
  out.push('\n', margin, closer);
}

/** `{"events": […]}` over lines. */
export function decodedJson(events: readonly HistoryEvent[]): string {
  const out: string[] = [];
  write({ events }, '', out);
  return out.join('');
}
