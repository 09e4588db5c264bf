import { config } from '@/app/config';
import { strings } from '@/strings';
import { noteAnswer, noteSilence } from './connection';
import { ApiError, codeOf } from './errors';

/** Payloads as metadata and base64: decoding them is the UI's own work, done for what is shown. */
const mediaType = 'application/json+no-payload-shorthand';

export type Query = Record<string, string | number | boolean | undefined>;

export interface CallOptions {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** An address below the API, each part of a path given through `at`. */
export function url(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') search.set(name, String(value));
  const text = search.toString();
  return `${config.base}api/v1/${path}${text ? `?${text}` : ''}`;
}

/**
 * A path with its values encoded: at`skald/namespaces/${ns}/views`. Not for what anybody may name as they like:
 * "." and ".." are steps in a path to a browser, however they are encoded. Those calls go by `rpc`.
 */
export function at(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce((path, part, i) => path + encodeURIComponent(values[i - 1] ?? '') + part);
}

async function errorOf(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as { code?: number; message?: string; details?: unknown[] };
    return new ApiError(
      body.message ?? response.statusText,
      body.code ?? codeOf('UNKNOWN'),
      response.status,
      body.details ?? [],
    );
  } catch {
    return new ApiError(strings.common.errors.invalidAnswer, codeOf('UNKNOWN'), response.status);
  }
}

async function call(method: string, path: string, options: CallOptions): Promise<unknown> {
  const { query, body, signal } = options;
  const headers: Record<string, string> = { Accept: mediaType };
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    headers['Content-Type'] = mediaType;
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(url(path, query), init);
  } catch (error) {
    if (signal?.aborted) throw error;
    noteSilence();
    throw new ApiError(strings.common.errors.offline, codeOf('UNAVAILABLE'), 0);
  }
  noteAnswer();
  if (!response.ok) throw await errorOf(response);
  try {
    return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(strings.common.errors.invalidAnswer, codeOf('INTERNAL'), response.status);
  }
}

export async function get<T>(path: string, options: Omit<CallOptions, 'body'> = {}): Promise<T> {
  return (await call('GET', path, options)) as T;
}

export async function post<T>(path: string, body: unknown = {}, options: CallOptions = {}): Promise<T> {
  return (await call('POST', path, { ...options, body })) as T;
}

/** A method by its name, with the whole request. */
export async function rpc<T>(method: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return post<T>(`rpc/${method}`, body, { signal });
}
