import { queryOptions } from '@tanstack/react-query';
import { get } from './client';
import { isCode } from './errors';

/** proto/skald/api/v1/figures.proto, as JSON. */
export type FigureKind =
  | 'FIGURE_KIND_SERVER'
  | 'FIGURE_KIND_WORKFLOW_QUEUE'
  | 'FIGURE_KIND_ACTIVITY_QUEUE'
  | 'FIGURE_KIND_WORKFLOW_TYPE'
  | 'FIGURE_KIND_ACTIVITY_TYPE';

export interface Figures {
  first?: string;
  step?: string;
  series?: { name?: string; unit?: string; values?: (number | string)[] }[];
  dataSince?: string;
}

export interface FigureScope {
  kind: FigureKind;
  namespace?: string;
  name?: string;
}

const refreshMs = 10_000; // a point every ten seconds

/** A day by minutes, or an hour by ten seconds; undefined where the server has no figures. */
export const figuresQuery = (scope: FigureScope, day: boolean) =>
  queryOptions<Figures | null>({
    queryKey: ['figures', scope.kind, scope.namespace ?? '', scope.name ?? '', day],
    refetchInterval: (query) => (query.state.data === null ? false : refreshMs),
    queryFn: async ({ signal }): Promise<Figures | null> => {
      try {
        const resolution = day ? 'FIGURE_RESOLUTION_MINUTE' : 'FIGURE_RESOLUTION_TEN_SECONDS';
        return await get<Figures>('skald/figures', { query: { ...scope, resolution }, signal });
      } catch (error) {
        if (isCode(error, 'UNIMPLEMENTED') || isCode(error, 'NOT_FOUND')) return null;
        throw error;
      }
    },
  });
