import { Modal } from '@mantine/core';
import { Kbd } from '@/design/parts';
import { strings } from '@/strings';
import { type Shortcut, useRegisteredShortcuts } from './shortcuts';
import css from './ShortcutsDialog.module.css';

const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);
const shown: Record<string, string> = {
  Enter: '↵',
  Escape: 'Esc',
  ArrowDown: '↓',
  ArrowUp: '↑',
  ' ': 'Space',
};

function Keys({ keys }: { keys: string }) {
  const parts = keys === ' ' ? [' '] : keys.split(' ').flatMap((k) => (k.startsWith('mod+') ? ['mod', k.slice(4)] : [k]));
  return (
    <span className={css['keys']}>
      {parts.map((key, i) => (
        <Kbd key={i}>
          {key === 'mod' ? (isMac ? '⌘' : 'Ctrl') : (shown[key] ?? (parts.includes('mod') ? key.toUpperCase() : key))}
        </Kbd>
      ))}
    </span>
  );
}

export function ShortcutsDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const groups = new Map<string, Shortcut[]>();
  const all = useRegisteredShortcuts();
  for (const shortcut of all) {
    const group = groups.get(shortcut.group) ?? [];
    if (!group.some((s) => s.keys === shortcut.keys)) groups.set(shortcut.group, [...group, shortcut]);
  }
  return (
    <Modal opened={opened} onClose={onClose} title={strings.shell.shortcuts} size={560}
      closeButtonProps={{ 'aria-label': strings.common.close }}>
      <div className={css['groups']}>
        {[...groups].map(([group, shortcuts]) => (
          <section key={group}>
            <h3 className={css['group']}>{group}</h3>
            <ul className={css['list']}>
              {shortcuts.map((s) => (
                <li key={s.keys}>
                  <span>{s.does}</span>
                  <Keys keys={s.keys} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Modal>
  );
}
