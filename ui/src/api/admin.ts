import { queryOptions } from '@tanstack/react-query';
import { config } from '@/app/config';
import { at, get, post, rpc } from './client';

/** What administrators do: namespaces, search attributes, the server itself. */
export interface NamespaceForm {
  name: string;
  description: string;
  ownerEmail: string;
  /** Seconds, as protobuf's JSON writes a duration. */
  retention: string;
  data: Record<string, string>;
}

export function createNamespace(form: NamespaceForm): Promise<unknown> {
  return post('namespaces', {
    namespace: form.name,
    description: form.description,
    ownerEmail: form.ownerEmail,
    workflowExecutionRetentionPeriod: form.retention,
    data: form.data,
  });
}

export function updateNamespace(form: NamespaceForm): Promise<unknown> {
  return post(at`namespaces/${form.name}/update`, {
    updateInfo: { description: form.description, ownerEmail: form.ownerEmail, data: form.data },
    config: { workflowExecutionRetentionTtl: form.retention },
  });
}

export function deleteNamespace(name: string): Promise<unknown> {
  return rpc('DeleteNamespace', { namespace: name });
}

export function addSearchAttribute(ns: string, name: string, type: string): Promise<unknown> {
  const enumName = `INDEXED_VALUE_TYPE_${type.replace(/(?<=[a-z])([A-Z])/g, '_$1').toUpperCase()}`;
  return rpc('AddSearchAttributes', { namespace: ns, searchAttributes: { [name]: enumName } });
}

export function removeSearchAttribute(ns: string, name: string): Promise<unknown> {
  return rpc('RemoveSearchAttributes', { namespace: ns, searchAttributes: [name] });
}

export interface ClusterInfo {
  serverVersion?: string;
  clusterName?: string;
  clusterId?: string;
  historyShardCount?: number;
  persistenceStore?: string;
  visibilityStore?: string;
}

export const clusterQuery = queryOptions({
  queryKey: ['cluster'],
  staleTime: 60_000,
  queryFn: ({ signal }) => get<ClusterInfo>('cluster-info', { signal }),
});

export const systemQuery = queryOptions({
  queryKey: ['system'],
  staleTime: 60_000,
  queryFn: ({ signal }) => get<{ capabilities?: Record<string, boolean> }>('system-info', { signal }),
});

/** Whether the server serves: its own probe. */
export const readyQuery = queryOptions({
  queryKey: ['ready'],
  refetchInterval: 10_000,
  queryFn: async ({ signal }) => (await fetch(`${config.base}readyz`, { signal })).ok,
});
