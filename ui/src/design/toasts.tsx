import { useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import { strings } from '@/strings';
import { Icon } from './icons';
import css from './toasts.module.css';

/** Short notices about what was just done; errors stay until they are closed. */
export interface Toast {
  id: number;
  kind: 'done' | 'failed';
  text: string;
  /** A link to what came of it, or the reason. */
  more?: ReactNode;
}

const shownMs = 6000;
const countMax = 4;

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]) {
  toasts = next;
  for (const listener of listeners) listener();
}

function close(id: number) {
  set(toasts.filter((t) => t.id !== id));
}

export function toast(kind: Toast['kind'], text: string, more?: ReactNode) {
  const id = ++lastId;
  set([...toasts, { id, kind, text, more }].slice(-countMax));
  if (kind === 'done') setTimeout(() => close(id), shownMs);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className={css['toasts']} role="status">
      {shown.map((t) => (
        <div key={t.id} className={css['toast']} data-kind={t.kind}>
          <span className={t.kind === 'failed' ? 'sk-tone-red' : 'sk-tone-accent'}>
            <Icon name={t.kind === 'failed' ? 'attention' : 'check'} />
          </span>
          <div className={css['text']}>
            <div>{t.text}</div>
            {t.more && <div className="sk-dim">{t.more}</div>}
          </div>
          <button type="button" className={css['close']} aria-label={strings.common.close} onClick={() => close(t.id)}>
            <Icon name="close" size={12} />
          </button>
        </div>
      ))}
    </div>
  );
}
