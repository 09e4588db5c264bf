/** Queries of a workflow: which there are, and arguments as somebody types them. */

import { isJson } from './json';
import { decodePayload, jsonPayload, payloadList } from './payloads';
import type { Payload, Payloads } from './proto';

export const stackQuery = '__stack_trace';
export const metadataQuery = '__temporal_workflow_metadata';

export interface Metadata {
  readonly queries: { name: string; description: string }[];
  readonly details: string;
}

interface Definition {
  name?: string;
  description?: string;
}

/** What the SDK's own metadata query tells; nothing where it tells nothing. */
export function readMetadata(result: Payloads | undefined): Metadata {
  const first = payloadList(result)[0];
  try {
    const value = JSON.parse(first ? decodePayload(first).text : '{}') as {
      definition?: { queryDefinitions?: Definition[] };
      currentDetails?: string;
    };
    return {
      queries: (value.definition?.queryDefinitions ?? [])
        .map((d) => ({ name: d.name ?? '', description: d.description ?? '' }))
        .filter((d) => d.name !== '' && !d.name.startsWith('__')),
      details: value.currentDetails ?? '',
    };
  } catch {
    return { queries: [], details: '' };
  }
}

/** SDKs list the queries that they know when one is asked for that they do not. */
export function namesInError(message: string): string[] {
  const list = /(?:KnownQueryTypes=|[Kk]nown quer(?:y types|ies)[:=]?\s*|[Rr]egistered queries:\s*)\[([^\]]*)\]/.exec(
    message,
  );
  return (list?.[1] ?? '')
    .split(/[\s,'"]+/)
    .filter((name) => name !== '' && !name.startsWith('__'));
}

/** The text of the first payload: a JSON text as what it says. */
export function resultText(result: Payloads | undefined): string {
  const first = payloadList(result)[0];
  if (!first) return '';
  const { text } = decodePayload(first);
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

export type Arguments = { payloads: Payload[] } | { badLine: number };

/** The arguments in a text, each a JSON text: one value over several lines, or one a line. */
export function argumentTexts(text: string): string[] {
  if (isJson(text)) return text.trim() === '' ? [] : [text.trim()];
  return text.split('\n').flatMap((line) => line.trim() || []);
}

/** One JSON value over all lines, or one on each; nothing: no arguments. Numbers stay as typed. */
export function readArguments(text: string): Arguments {
  if (text.trim() === '') return { payloads: [] };
  if (isJson(text)) return { payloads: [jsonPayload(text.trim())] };
  const payloads: Payload[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? '').trim();
    if (line === '') continue;
    if (!isJson(line)) return { badLine: i + 1 };
    payloads.push(jsonPayload(line));
  }
  return { payloads };
}
