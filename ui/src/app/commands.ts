import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { IconName } from '@/design/icons';

/** What the palette can do besides going somewhere: said by the component that is able to, while it is there. */
export interface Command {
  name: string;
  icon: IconName;
  run: () => void;
}

let commands: readonly Command[] = [];
const listeners = new Set<() => void>();

function set(next: readonly Command[]) {
  commands = next;
  for (const listener of listeners) listener();
}

export function useCommand(command: Command | undefined) {
  const latest = useRef(command);
  latest.current = command;
  const name = command?.name;
  const icon = command?.icon;
  useEffect(() => {
    if (!name || !icon) return;
    const own: Command = { name, icon, run: () => latest.current?.run() };
    set([...commands, own]);
    return () => set(commands.filter((c) => c !== own));
  }, [name, icon]);
}

export function useCommands(): readonly Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => commands,
  );
}
