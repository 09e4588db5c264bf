import { useSyncExternalStore } from 'react';

/** What this browser remembers of its user. Nothing here is needed to read a page. */
export interface Settings {
  /** Written with every change; see actions. */
  identity: string;
  theme: 'light' | 'dark' | 'system';
  times: 'relative' | 'local' | 'utc';
  /** The namespace last looked at. */
  namespace: string;
  /** Columns of lists, by list. */
  columns: Record<string, string[]>;
  codecEndpoint: string;
  /** Whether the browser sends its cookies to the codec. */
  codecCookies: boolean;
  /** Sent to the codec as `Authorization`; forgotten with the tab. */
  codecAuthorization: string;
}

const key = 'skald.settings'; // public/theme.js reads it, too
const secretKey = 'skald.codec.authorization';
const defaults: Settings = {
  identity: '',
  theme: 'system',
  times: 'relative',
  namespace: '',
  columns: {},
  codecEndpoint: '',
  codecCookies: false,
  codecAuthorization: '',
};

let current = load();
const listeners = new Set<() => void>();

function load(): Settings {
  try {
    const codecAuthorization = sessionStorage.getItem(secretKey) ?? '';
    return { ...defaults, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Settings>), codecAuthorization };
  } catch {
    return defaults; // no storage, or not ours
  }
}

function tell() {
  for (const listener of listeners) listener();
}

export function settings(): Settings {
  return current;
}

export function changeSettings(change: Partial<Settings>) {
  current = { ...current, ...change };
  try {
    localStorage.setItem(key, JSON.stringify({ ...current, codecAuthorization: undefined }));
    sessionStorage.setItem(secretKey, current.codecAuthorization);
  } catch {
    // kept for this page only
  }
  tell();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, settings);
}

if (typeof window !== 'undefined')
  window.addEventListener('storage', (event) => {
    if (event.key !== key) return;
    current = load();
    tell();
  });
