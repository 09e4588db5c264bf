import { useQuery } from '@tanstack/react-query';
import type { RunRef } from '@/api/actions';
import { countWorkflows, listWorkflows } from '@/api/workflows';
import { both } from '@/model/query';
import type { RunActionKind, Targets } from './open';

/** Most runs that one go takes. */
export const targetsMax = 50_000;
const pageSize = 1000;
const samplesMax = 5;

/** What must be running for the action to make sense. */
export function needsRunning(kind: RunActionKind): boolean {
  return kind !== 'delete';
}

function queryFor(kind: RunActionKind, query: string): string {
  return needsRunning(kind) ? both('ExecutionStatus = "Running"', query) : query;
}

export interface Preview {
  /** How many runs it will be done to; undefined while that is being counted. */
  count: number | undefined;
  /** How many of the chosen ones are left out. */
  left: number;
  samples: string[];
  error?: unknown;
}

async function ask(kind: RunActionKind, ns: string, all: string, signal: AbortSignal): Promise<Preview> {
  const query = queryFor(kind, all);
  const [count, total, page] = await Promise.all([
    countWorkflows(ns, query, signal),
    countWorkflows(ns, all, signal),
    listWorkflows(ns, query, { pageSize: samplesMax, signal }),
  ]);
  const samples = (page.executions ?? []).map((e) => e.execution?.workflowId ?? '');
  return { count, left: total - count, samples };
}

/** What an action will reach, before it is done. */
export function usePreview(kind: RunActionKind, ns: string, targets: Targets): Preview {
  const all = targets.of === 'query' ? targets.query : '';
  const asked = useQuery({
    queryKey: ['preview', kind, ns, all],
    enabled: targets.of === 'query',
    staleTime: 0,
    queryFn: ({ signal }) => ask(kind, ns, all, signal),
  });
  if (targets.of === 'query')
    return asked.data ?? { count: undefined, left: 0, samples: [], error: asked.error ?? undefined };
  const runs = targets.of === 'one' ? [targets] : targets.runs;
  const fit = runs.filter((r) => r.running || !needsRunning(kind));
  return {
    count: fit.length,
    left: runs.length - fit.length,
    samples: fit.slice(0, samplesMax).map((r) => r.run.workflowId),
  };
}

/** All runs that an action reaches, read page by page. */
export async function gather(
  kind: RunActionKind,
  ns: string,
  targets: Targets,
  signal: AbortSignal,
  onCount: (n: number) => void,
): Promise<RunRef[]> {
  if (targets.of === 'one') return [targets.run];
  if (targets.of === 'some')
    return targets.runs.filter((r) => r.running || !needsRunning(kind)).map((r) => r.run);
  const found: RunRef[] = [];
  let nextPageToken: string | undefined;
  do {
    const page = await listWorkflows(ns, queryFor(kind, targets.query), { pageSize, nextPageToken, signal });
    for (const row of page.executions ?? [])
      found.push({ workflowId: row.execution?.workflowId ?? '', runId: row.execution?.runId });
    nextPageToken = page.nextPageToken || undefined;
    onCount(found.length);
  } while (nextPageToken && found.length < targetsMax);
  return found.slice(0, targetsMax);
}
