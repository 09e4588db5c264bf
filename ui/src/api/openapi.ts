import { queryOptions } from '@tanstack/react-query';
import type { OpenApi } from '@/model/openapi';
import { get } from './client';

export const openApiQuery = queryOptions({
  queryKey: ['openapi'],
  staleTime: Infinity, // it changes with the server's version only
  queryFn: ({ signal }) => get<OpenApi>('openapi.json', { signal }),
});

export interface RawAnswer {
  status: number;
  ms: number;
  text: string;
}

/** A GET as curl would send it: with the short form of payloads, and errors as they come. */
export async function rawGet(address: string, signal: AbortSignal): Promise<RawAnswer> {
  const from = performance.now();
  const response = await fetch(address, { headers: { Accept: 'application/json' }, signal });
  const text = await response.text();
  return { status: response.status, ms: performance.now() - from, text };
}
