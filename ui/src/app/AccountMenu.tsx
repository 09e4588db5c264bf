import { ActionIcon, Button, Popover, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Icon } from '@/design/icons';
import { strings } from '@/strings';
import css from './AccountMenu.module.css';
import { CodecSettings } from './CodecSettings';
import { config } from './config';
import { changeSettings, type Settings, useSettings } from './settings';

const s = strings.shell;

function Choice<K extends 'theme' | 'times'>(props: {
  label: string;
  name: K;
  words: Record<Settings[K], string>;
}) {
  const settings = useSettings();
  return (
    <div>
      <div className={css['label']}>{props.label}</div>
      <SegmentedControl
        fullWidth
        aria-label={props.label}
        value={settings[props.name]}
        data={Object.entries<string>(props.words).map(([value, label]) => ({ value, label }))}
        onChange={(value) => changeSettings({ [props.name]: value })}
      />
    </div>
  );
}

/** Who acts here, and how things look: kept in this browser. */
export function AccountMenu({ onShortcuts }: { onShortcuts: () => void }) {
  const { identity } = useSettings();
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} width={280} position="bottom-end" trapFocus>
      <Popover.Target>
        <ActionIcon aria-label={s.account} onClick={() => setOpened(!opened)}>
          <Icon name="user" size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={s.account}>
        <div className={css['menu']}>
          <TextInput
            label={s.identity}
            description={s.identityHint}
            placeholder={s.identityPlaceholder}
            value={identity}
            maxLength={200}
            inputWrapperOrder={['label', 'input', 'description']}
            onChange={(event) => changeSettings({ identity: event.currentTarget.value })}
          />
          <Choice label={s.theme} name="theme" words={s.themes} />
          <Choice label={s.times} name="times" words={s.timeFormats} />
          <CodecSettings />
          <div className={css['foot']}>
            <span className="sk-dim">{s.version(config.version)}</span>
            <Button
              variant="subtle"
              onClick={() => {
                setOpened(false);
                onShortcuts();
              }}
            >
              {s.shortcuts}
            </Button>
          </div>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
