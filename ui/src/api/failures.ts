import { queryOptions } from '@tanstack/react-query';
import type { Execution } from '@/model/proto';
import { at, get } from './client';
import { isCode } from './errors';

/** proto/skald/api/v1/failure.proto, as JSON. */
export interface FailureGroup {
  id?: string;
  source?: string;
  workflowType?: string;
  activityType?: string;
  errorType?: string;
  message?: string;
  sampleMessage?: string;
  count?: string;
  retrying?: string;
  firstSeen?: string;
  lastSeen?: string;
  samples?: { execution?: Execution; time?: string; attempt?: number }[];
  taskQueue?: string;
}

export interface FailureGroups {
  groups?: FailureGroup[];
  dataSince?: string;
  truncated?: boolean;
}

const refreshMs = 5_000;

/** What fails, latest first; null where the server keeps no such thing. */
export const failureGroupsQuery = (ns: string) =>
  queryOptions<FailureGroups | null>({
    queryKey: ['failure-groups', ns],
    refetchInterval: (query) => (query.state.data === null ? false : refreshMs),
    queryFn: async ({ signal }) => {
      try {
        return await get<FailureGroups>(at`skald/namespaces/${ns}/failure-groups`, { query: { pageSize: 100 }, signal });
      } catch (error) {
        if (isCode(error, 'UNIMPLEMENTED')) return null;
        throw error;
      }
    },
  });
