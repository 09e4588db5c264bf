import { ActionIcon } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import { Icon } from '@/design/icons';
import { executionStrings } from '@/strings/execution';
import css from './SidePanel.module.css';

/** Details beside a list; on a phone over it. Escape closes it and gives the focus back. */
export function SidePanel(props: { label: string; onClose: () => void; children: ReactNode }) {
  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    return () => {
      if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus();
    };
  }, []);
  return (
    <aside
      className={css['panel']}
      aria-label={props.label}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        props.onClose();
      }}
    >
      <ActionIcon className={css['close'] ?? ''} aria-label={executionStrings.details.close} onClick={props.onClose}>
        <Icon name="close" />
      </ActionIcon>
      <div className={css['body']}>{props.children}</div>
    </aside>
  );
}
