import { useSyncExternalStore } from 'react';
import type { RunRef } from '@/api/actions';
import type { StartForm } from '@/model/start';

/**
 * The one dialog that is open. Any page opens it; the shell shows it: `openAction({kind: 'terminate', …})`.
 */
export type Targets =
  | { of: 'one'; run: RunRef; running: boolean }
  | { of: 'some'; runs: readonly { run: RunRef; running: boolean }[] }
  | { of: 'query'; query: string };

export type RunActionKind = 'signal' | 'cancel' | 'terminate' | 'delete';

export interface RunAction {
  kind: RunActionKind;
  ns: string;
  targets: Targets;
  onDone?: () => void;
}

export interface StartAction {
  kind: 'start' | 'signalWithStart';
  ns: string;
  /** What the form begins with. */
  like?: StartForm;
}

export type Action = RunAction | StartAction;

let current: Action | undefined;
const listeners = new Set<() => void>();

function set(action: Action | undefined) {
  current = action;
  for (const listener of listeners) listener();
}

export function openAction(action: Action) {
  set(action);
}

export function closeAction() {
  set(undefined);
}

export function useOpenAction(): Action | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
