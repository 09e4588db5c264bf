import { useEffect, useRef, useSyncExternalStore } from 'react';
import { subscribeConnection } from '@/api/connection';
import { useTopic } from '@/api/push';
import type { Order } from '@/model/order';
import { type ListState, type ListStore, listStore, pageSize } from './list-store';

const activeMs = 5_000; // between questions while somebody is there and nothing is pushed
const idleMs = 60_000;
const presentMs = 60_000;

let lastSign = Date.now();
if (typeof window !== 'undefined')
  for (const type of ['pointermove', 'keydown', 'focus', 'scroll'])
    window.addEventListener(type, () => (lastSign = Date.now()), { passive: true, capture: true });

/** Asks again and again while nothing is pushed: often only while somebody looks. */
function usePolling(store: ListStore, live: boolean) {
  useEffect(() => {
    if (live) return;
    let last = Date.now();
    const timer = setInterval(() => {
      const now = Date.now();
      const every = now - lastSign < presentMs ? activeMs : idleMs;
      if (document.hidden || now - last < every) return;
      last = now;
      void store.refresh();
    }, 1000);
    return () => clearInterval(timer);
  }, [store, live]);
}

export function useWorkflowList(ns: string, query: string, order: Order | undefined): ListState & { store: ListStore; live: boolean } {
  const store = listStore(ns, query, order);
  const state = useSyncExternalStore(store.subscribe, store.state);
  const topic = { namespace: ns, query, pageSize, ...(store.orderBy ? { orderBy: store.orderBy } : {}) };
  const live = useTopic(state.status === 'ready' ? { list: topic } : undefined, store.take);
  usePolling(store, live);
  useEffect(() => {
    void store.refresh();
    return subscribeConnection(() => void store.refresh());
  }, [store]);
  // Another order of the same runs: what is there stays until the answer comes.
  const last = useRef({ ns, query, list: state.list });
  if (state.status === 'ready') last.current = { ns, query, list: state.list };
  const same = state.status === 'loading' && last.current.ns === ns && last.current.query === query;
  return { ...state, list: same ? last.current.list : state.list, store, live };
}
