import { useSyncExternalStore } from 'react';

/** Whether the server answers. Every call reports here; who wants to know listens. */
let away = false;
const listeners = new Set<() => void>();

function set(next: boolean) {
  if (away === next) return;
  away = next;
  for (const listener of [...listeners]) listener();
}

export function noteAnswer() {
  set(false);
}

export function noteSilence() {
  set(true);
}

export function isAway(): boolean {
  return away;
}

export function subscribeConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useAway(): boolean {
  return useSyncExternalStore(subscribeConnection, isAway);
}
