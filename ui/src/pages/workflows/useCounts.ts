import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTopic } from '@/api/push';
import { countByStatus } from '@/api/workflows';
import { withoutStatus } from '@/model/query';

const pollMs = 15_000;

/** How many runs of each status match the filter's other conditions; pushed, or else asked for. */
export function useCounts(ns: string, query: string): ReadonlyMap<string, number> | undefined {
  const others = withoutStatus(query);
  const key = `${ns}\n${others}`;
  const [pushed, setPushed] = useState<{ key: string; counts: Map<string, number> }>();
  const live = useTopic({ count: { namespace: ns, query: others } }, (event) => {
    const groups = event.count?.groups;
    if (!event.count) return;
    setPushed({ key, counts: new Map((groups ?? []).map((g) => [g.status ?? '', Number(g.count ?? 0)])) });
  });
  const own = pushed?.key === key ? pushed.counts : undefined;
  const { data, refetch } = useQuery({
    queryKey: ['counts', ns, others],
    queryFn: ({ signal }) => countByStatus(ns, others, signal),
    refetchInterval: live ? false : pollMs,
    enabled: !(live && own),
  });
  useEffect(() => {
    if (!live) void refetch();
  }, [live, refetch]);
  return live && own ? own : (data ?? own);
}

/** The number of rows that the list has, from the counts of its statuses. */
export function totalOf(counts: ReadonlyMap<string, number> | undefined, statuses: readonly string[]) {
  if (!counts) return undefined;
  let total = 0;
  for (const [status, count] of counts) if (statuses.length === 0 || statuses.includes(status)) total += count;
  return total;
}
