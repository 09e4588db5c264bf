import { queryOptions } from '@tanstack/react-query';
import { at, get } from './client';

export interface Namespace {
  namespaceInfo?: {
    name?: string;
    state?: string;
    description?: string;
    ownerEmail?: string;
    data?: Record<string, string>;
    id?: string;
    capabilities?: Record<string, boolean>;
  };
  config?: { workflowExecutionRetentionTtl?: string };
  isGlobalNamespace?: boolean;
}

export const namespacesQuery = queryOptions({
  queryKey: ['namespaces'],
  staleTime: 30_000,
  queryFn: async ({ signal }) => {
    const all: Namespace[] = [];
    let nextPageToken: string | undefined;
    do {
      const page: { namespaces?: Namespace[]; nextPageToken?: string } = await get('namespaces', {
        query: { pageSize: 200, nextPageToken },
        signal,
      });
      all.push(...(page.namespaces ?? []));
      nextPageToken = page.nextPageToken;
    } while (nextPageToken);
    return all;
  },
});

export const namespaceQuery = (name: string) =>
  queryOptions({
    queryKey: ['namespaces', name],
    staleTime: 30_000,
    queryFn: ({ signal }) => get<Namespace>(at`namespaces/${name}`, { signal }),
  });

/** Internal namespaces are listed by the API and of no use in a switcher. */
export function shownNamespaces(all: readonly Namespace[]): string[] {
  return all
    .filter((n) => n.namespaceInfo?.state !== 'NAMESPACE_STATE_DELETED')
    .map((n) => n.namespaceInfo?.name ?? '')
    .filter((name) => name !== '' && name !== 'temporal-system')
    .sort((a, b) => a.localeCompare(b));
}
