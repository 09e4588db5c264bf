import { useEffect, useRef, useSyncExternalStore } from 'react';

/**
 * Keyboard shortcuts: a component says which it answers while it is on the page, and `?` lists exactly
 * those. Keys are as KeyboardEvent.key has them, `mod+` is Ctrl or Cmd, two keys with a space between
 * them are pressed one after the other. Single keys do nothing while somebody types.
 */
export interface Shortcut {
  keys: string;
  does: string;
  group: string;
  run: () => void;
}

const sequenceMs = 900;

let registered: readonly Shortcut[] = [];
const listeners = new Set<() => void>();
let first = '';
let firstAt = 0;

function tell(next: readonly Shortcut[]) {
  registered = next;
  for (const listener of listeners) listener();
}

export function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.tagName === 'TEXTAREA' ||
    target.tagName === 'SELECT' ||
    (target instanceof HTMLInputElement && !/^(checkbox|radio|button|submit)$/.test(target.type))
  );
}

/** A dialog or menu has the keyboard to itself. */
function inOverlay(): boolean {
  const overlays = document.querySelectorAll('[role="dialog"], [role="menu"], [role="listbox"]');
  return [...overlays].some((overlay) => overlay.getClientRects().length > 0);
}

function find(keys: string): Shortcut | undefined {
  return registered.findLast((s) => s.keys === keys); // the innermost component wins
}

/** What the pressed keys say, given what was pressed just before. */
export function pressed(key: string, mod: boolean, before: string): string {
  if (mod) return `mod+${key.toLowerCase()}`;
  return before ? `${before} ${key}` : key;
}

function onKeyDown(event: KeyboardEvent) {
  const mod = event.ctrlKey || event.metaKey;
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  if (!mod && (typing(event.target) || inOverlay())) return;
  const before = !mod && performance.now() - firstAt < sequenceMs ? first : '';
  const shortcut = find(pressed(event.key, mod, before)) ?? find(pressed(event.key, mod, ''));
  first = '';
  if (shortcut) {
    event.preventDefault();
    shortcut.run();
  } else if (!mod && registered.some((s) => s.keys.startsWith(`${event.key} `))) {
    first = event.key;
    firstAt = performance.now();
  }
}

if (typeof window !== 'undefined') window.addEventListener('keydown', onKeyDown);

/** Answers shortcuts while the calling component is on the page. */
export function useShortcuts(shortcuts: readonly Shortcut[]) {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  const signature = shortcuts.map((s) => s.keys).join('\n');
  useEffect(() => {
    const own = latest.current.map((s, i) => ({ ...s, run: () => latest.current[i]?.run() }));
    tell([...registered, ...own]);
    return () => tell(registered.filter((s) => !own.includes(s)));
  }, [signature]);
}

export function useRegisteredShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => registered,
  );
}
