import { useSyncExternalStore } from 'react';

/** One timer for everything that ages on the page; it stands still while the tab is hidden. */
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick() {
  if (document.hidden) return;
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  if (!timer) {
    now = Date.now();
    timer = setInterval(tick, 1000);
    document.addEventListener('visibilitychange', tick);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || !timer) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener('visibilitychange', tick);
  };
}

const never = () => () => {};

/** The time, renewed each second; with `live` false the time of the first rendering. */
export function useNow(live = true): number {
  return useSyncExternalStore(live ? subscribe : never, () => now);
}
