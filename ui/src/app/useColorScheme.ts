import { useSyncExternalStore } from 'react';
import { useSettings } from './settings';

const query = '(prefers-color-scheme: dark)';

function subscribe(listener: () => void) {
  const media = matchMedia(query);
  media.addEventListener('change', listener);
  return () => media.removeEventListener('change', listener);
}

/** What the user chose, or the system's. */
export function useColorScheme(): 'light' | 'dark' {
  const { theme } = useSettings();
  const systemDark = useSyncExternalStore(subscribe, () => matchMedia(query).matches);
  return theme === 'system' ? (systemDark ? 'dark' : 'light') : theme;
}
