import { config } from '@/app/config';
import { settings } from '@/app/settings';
import { CodecError, decodeRemotely, encodeRemotely, type Codec } from '@/model/codec';
import type { Payload, Payloads } from '@/model/proto';
import { strings } from '@/strings';

const patienceMs = 30_000;
const forbidden = 403;

/** The one origin, beside the server's own, that the page's policy lets it call; "" where there is none. */
export function codecOrigin(): string {
  return originOf(config.codecEndpoint ?? '');
}

function originOf(endpoint: string): string {
  if (endpoint === '') return '';
  try {
    return new URL(endpoint, typeof location === 'undefined' ? undefined : location.href).origin;
  } catch {
    return '';
  }
}

/** Whether the browser may call it at all. */
export function codecAllowed(endpoint: string): boolean {
  const origin = originOf(endpoint);
  return origin !== '' && (origin === codecOrigin() || (typeof location !== 'undefined' && origin === location.origin));
}

/** The operator's codec: the reader's own setting, else the server's; empty: none. */
export function codecEndpoint(): string {
  return settings().codecEndpoint || config.codecEndpoint || '';
}

function codecOf(ns: string): Codec {
  const { codecAuthorization, codecCookies } = settings();
  return {
    endpoint: codecEndpoint(),
    namespace: ns,
    ...(codecAuthorization ? { authorization: codecAuthorization } : {}),
    credentials: codecCookies,
  };
}

/** What the page's policy would forbid is not tried: it would be an error on the console, and say less. */
function allowed(ns: string): Codec {
  const codec = codecOf(ns);
  if (!codecAllowed(codec.endpoint))
    throw new CodecError(strings.shell.codecForbidden(codecOrigin()), forbidden);
  return codec;
}

/** The browser tells nobody why a call to another origin failed. */
function told(error: unknown): CodecError {
  if (error instanceof CodecError && error.status > 0) return error;
  return new CodecError(strings.common.errors.codecSilent);
}

export async function decodePayloads(ns: string, payloads: Payload[]): Promise<Payload[]> {
  try {
    return await decodeRemotely(allowed(ns), payloads, fetch.bind(window), AbortSignal.timeout(patienceMs));
  } catch (error) {
    throw told(error);
  }
}

async function encode(ns: string, payloads: Payload[]): Promise<Payload[]> {
  if (payloads.length === 0) return payloads;
  try {
    return await encodeRemotely(allowed(ns), payloads, fetch.bind(window), AbortSignal.timeout(patienceMs));
  } catch (error) {
    throw new CodecError(strings.common.errors.codecEncode(told(error).message));
  }
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
  if (!codecEndpoint()) return request;
  const encoded: Encode = (payloads) => encode(ns, payloads);
  const changed: Record<string, unknown> = { ...request };
  for (const name of ['input', 'signalInput']) {
    const payloads = (request[name] as Payloads | undefined)?.payloads;
    if (payloads) changed[name] = { payloads: await encoded(payloads) };
  }
  const memo = (request['memo'] as { fields?: Record<string, Payload> } | undefined)?.fields;
  if (memo) changed['memo'] = { fields: await members(memo, encoded) };
  const metadata = request['userMetadata'] as Record<string, Payload> | undefined;
  if (metadata) changed['userMetadata'] = await members(metadata, encoded);
  return changed as T;
}
