import { config } from '@/app/config';
import { settings } from '@/app/settings';
import { encodeRemotely } from '@/model/codec';
import type { Payload, Payloads } from '@/model/proto';

/** The operator's codec: the reader's own setting, else the server's; empty: none. */
export function codecEndpoint(): string {
  return settings().codecEndpoint || config.codecEndpoint || '';
}

type Encode = (payloads: Payload[]) => Promise<Payload[]>;

async function members(map: Record<string, Payload>, encode: Encode): Promise<Record<string, Payload>> {
  const names = Object.keys(map);
  const encoded = await encode(Object.values(map));
  return Object.fromEntries(names.map((name, i) => [name, encoded[i] as Payload]));
}

/**
 * A request with its payloads encoded as the workers' own converter does it: arguments, memo and the
 * summary. Search attributes stay readable, the server compares them; headers are nobody's but theirs.
 */
export async function encodeRequest<T extends Record<string, unknown>>(ns: string, request: T): Promise<T> {
  const endpoint = codecEndpoint();
  if (!endpoint) return request;
  const encode: Encode = (payloads) =>
    payloads.length === 0
      ? Promise.resolve(payloads)
      : encodeRemotely({ endpoint, namespace: ns }, payloads, fetch.bind(window));
  const changed: Record<string, unknown> = { ...request };
  for (const name of ['input', 'signalInput']) {
    const payloads = (request[name] as Payloads | undefined)?.payloads;
    if (payloads) changed[name] = { payloads: await encode(payloads) };
  }
  const memo = (request['memo'] as { fields?: Record<string, Payload> } | undefined)?.fields;
  if (memo) changed['memo'] = { fields: await members(memo, encode) };
  const metadata = request['userMetadata'] as Record<string, Payload> | undefined;
  if (metadata) changed['userMetadata'] = await members(metadata, encode);
  return changed as T;
}
