import type { ExecutionInfo, Payload } from '@/model/proto';
import { at, get } from './client';

export interface ListPage {
  executions?: ExecutionInfo[];
  nextPageToken?: string;
}

interface ListOptions {
  pageSize: number;
  /** Without it: open runs first, then the newest. */
  orderBy?: string | undefined;
  nextPageToken?: string | undefined;
  signal?: AbortSignal | undefined;
}

export function listWorkflows(ns: string, query: string, options: ListOptions): Promise<ListPage> {
  const { signal, ...page } = options;
  return get(at`skald/namespaces/${ns}/workflows`, { query: { query, ...page }, signal });
}

interface CountAnswer {
  count?: string;
  groups?: { groupValues?: Payload[]; count?: string }[];
}

export async function countWorkflows(ns: string, query: string, signal?: AbortSignal): Promise<number> {
  const answer = await get<CountAnswer>(at`namespaces/${ns}/workflow-count`, { query: { query }, signal });
  return Number(answer.count ?? 0);
}

/** How many there are of each status; names as in the query language. */
export async function countByStatus(
  ns: string,
  query: string,
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const answer = await get<CountAnswer>(at`namespaces/${ns}/workflow-count`, {
    query: { query: `${query} GROUP BY ExecutionStatus`.trim() },
    signal,
  });
  return new Map(
    (answer.groups ?? []).map((group) => [plainText(group.groupValues?.[0]), Number(group.count ?? 0)]),
  );
}

/** Group values are JSON texts. */
function plainText(payload: Payload | undefined): string {
  try {
    const text: unknown = JSON.parse(atob(payload?.data ?? ''));
    return typeof text === 'string' ? text : '';
  } catch {
    return '';
  }
}
