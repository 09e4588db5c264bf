import { queryOptions } from '@tanstack/react-query';
import { settings } from '@/app/settings';
import { at, get, post, rpc } from './client';

export interface SavedView {
  name?: string;
  query?: string;
  columns?: string[];
  sort?: string;
  owner?: string;
  description?: string;
  updateTime?: string;
  updatedBy?: string;
  etag?: string;
}

export const viewsQuery = (ns: string) =>
  queryOptions({
    queryKey: ['views', ns],
    staleTime: 30_000,
    queryFn: async ({ signal }) =>
      (await get<{ views?: SavedView[] }>(at`skald/namespaces/${ns}/views`, { signal })).views ?? [],
  });

const who = () => settings().identity;

export async function createView(ns: string, view: SavedView): Promise<void> {
  await post(at`skald/namespaces/${ns}/views`, { view: { ...view, owner: who() }, identity: who() });
}

export async function updateView(ns: string, name: string, view: SavedView): Promise<void> {
  await rpc('UpdateSavedView', { namespace: ns, name, view, identity: who() });
}

export async function deleteView(ns: string, view: SavedView): Promise<void> {
  await rpc('DeleteSavedView', { namespace: ns, name: view.name, etag: view.etag, identity: who() });
}
