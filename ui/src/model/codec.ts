/**
 * A remote codec: a service of the operator's own, called by the browser directly, that turns encoded
 * (encrypted, compressed) payloads into readable ones and back. Its protocol is the SDKs': POST
 * `{payloads: […]}` to `<endpoint>/decode` or `/encode`, the namespace in `X-Namespace`.
 */

import type { Payload } from './proto';

export interface Codec {
  readonly endpoint: string;
  readonly namespace: string;
  /** Sent as `Authorization` where an operator set one; never kept anywhere but in the browser. */
  readonly authorization?: string;
  /** Whether the browser sends its cookies for the codec's origin. */
  readonly credentials?: boolean;
}

export class CodecError extends Error {
  override name = 'CodecError';

  constructor(
    message: string,
    /** HTTP's status, or 0 where no answer came. */
    readonly status = 0,
  ) {
    super(message);
  }
}

/** How much of what a codec says about an error is shown. */
const saidMax = 300;

/** SDKs put the namespace into the path where it says so. */
function address(codec: Codec, verb: string): string {
  const endpoint = codec.endpoint.replaceAll('{namespace}', encodeURIComponent(codec.namespace));
  return `${endpoint.replace(/\/+$/, '')}/${verb}`;
}

async function refusal(response: Response): Promise<CodecError> {
  const said = (await response.text().catch(() => '')).trim();
  const status = `${response.status} ${response.statusText}`.trim();
  const plain = said && !said.startsWith('<') ? `: ${said.slice(0, saidMax)}` : '';
  return new CodecError(status + plain, response.status);
}

type Fetch = (input: string, init: RequestInit) => Promise<Response>;

async function call(
  codec: Codec,
  verb: 'decode' | 'encode',
  payloads: Payload[],
  fetcher: Fetch,
  signal?: AbortSignal,
): Promise<Payload[]> {
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'X-Namespace': codec.namespace,
  };
  if (codec.authorization) headers['Authorization'] = codec.authorization;
  let response: Response;
  try {
    response = await fetcher(address(codec, verb), {
      method: 'POST',
      headers,
      body: JSON.stringify({ payloads }),
      credentials: codec.credentials ? 'include' : 'omit',
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    throw new CodecError(error instanceof Error ? error.message : String(error));
  }
  if (!response.ok) throw await refusal(response);
  const body = (await response.json().catch(() => undefined)) as { payloads?: Payload[] } | undefined;
  const result = body?.payloads;
  if (!Array.isArray(result) || result.length !== payloads.length) {
    throw new CodecError(`${result?.length ?? 'no'} payloads in the answer to ${payloads.length}`, response.status);
  }
  if (result.some((one) => typeof one !== 'object' || one === null))
    throw new CodecError('something other than a payload in the answer', response.status);
  return result;
}

export function decodeRemotely(
  codec: Codec,
  payloads: Payload[],
  fetcher: Fetch = fetch,
  signal?: AbortSignal,
): Promise<Payload[]> {
  return call(codec, 'decode', payloads, fetcher, signal);
}

export function encodeRemotely(
  codec: Codec,
  payloads: Payload[],
  fetcher: Fetch = fetch,
  signal?: AbortSignal,
): Promise<Payload[]> {
  return call(codec, 'encode', payloads, fetcher, signal);
}
