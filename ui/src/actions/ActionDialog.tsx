import { Button, Modal, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { config } from '@/app/config';
import { changeSettings, settings, useSettings } from '@/app/settings';
import { CommandLine, ErrorPanel } from '@/design/parts';
import { strings } from '@/strings';
import css from './actions.module.css';

const s = strings.actions;

interface Props {
  title: string;
  explain?: string;
  submit: string;
  danger?: boolean;
  pending: boolean;
  error?: unknown;
  /** What keeps it from being done, shown beside the button. */
  disabled?: string | undefined;
  /** The API has no place for who did it. */
  unrecorded?: boolean;
  command?: string | undefined;
  commandTitle?: string;
  onSubmit: () => void;
  onClose: () => void;
  wide?: boolean;
  children?: ReactNode;
  /** Instead of the usual buttons. */
  foot?: ReactNode;
}

/** Asked for once, until there is a sign-in: who acts here. */
function Identity() {
  const { identity } = useSettings();
  const [asked] = useState(settings().identity === '');
  if (!asked) return <p className="sk-dim">{s.byLine(identity)}</p>;
  return (
    <TextInput
      label={s.by}
      description={s.byHint}
      inputWrapperOrder={['label', 'input', 'description']}
      placeholder={strings.shell.identityPlaceholder}
      maxLength={200}
      value={identity}
      onChange={(event) => changeSettings({ identity: event.currentTarget.value })}
    />
  );
}

function Foot({ disabled, onClose, danger, pending, submit }: Props) {
  return (
    <>
      {disabled && <span className={css['why']}>{disabled}</span>}
      <Button onClick={onClose}>{strings.common.close}</Button>
      <Button
        type="submit"
        variant="filled"
        color={danger ? 'red' : 'accent'}
        loading={pending}
        disabled={disabled !== undefined}
      >
        {submit}
      </Button>
    </>
  );
}

/** What every dialog that changes something has: what it does, who does it, and the same as a command. */
export function ActionDialog(props: Props) {
  const disabled = config.readOnly ? s.readOnly : props.disabled;
  const title = props.commandTitle ?? s.command;
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      size={props.wide ? 760 : 540}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      <form
        className={css['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (disabled === undefined && !props.pending) props.onSubmit();
        }}
      >
        {props.explain && <p className="sk-dim">{props.explain}</p>}
        {props.children}
        {!config.readOnly && !props.foot && (props.unrecorded ? <p className="sk-dim">{s.unrecorded}</p> : <Identity />)}
        {props.command && !props.foot && (
          <div className={css['command']}>
            <span className="sk-dim">{title}</span>
            <CommandLine command={props.command} what={title} />
          </div>
        )}
        {props.error !== undefined && <ErrorPanel error={props.error} change />}
        <div className={css['foot']}>{props.foot ?? <Foot {...props} disabled={disabled} />}</div>
      </form>
    </Modal>
  );
}
