import { useEffect, useSyncExternalStore } from 'react';
import { subscribeConnection } from '@/api/connection';
import { usePushStatus, useTopic } from '@/api/push';
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

export function useWorkflowList(ns: string, query: string): ListState & { store: ListStore } {
  const store = listStore(ns, query);
  const state = useSyncExternalStore(store.subscribe, store.state);
  const live = usePushStatus() === 'live';
  useTopic(state.status === 'ready' ? { list: { namespace: ns, query, pageSize } } : undefined, store.take);
  usePolling(store, live);
  useEffect(() => {
    void store.refresh();
    return subscribeConnection(() => void store.refresh());
  }, [store]);
  return { ...state, store };
}
