import { Button, Menu } from '@mantine/core';
import { useCommand } from '@/app/commands';
import { config } from '@/app/config';
import { useShortcuts } from '@/app/shortcuts';
import { Icon, type IconName } from '@/design/icons';
import { statusName } from '@/design/states';
import type { ExecutionInfo } from '@/model/proto';
import { strings } from '@/strings';
import { shortcutGroups } from '@/strings/shell';
import { openAction, type RunActionKind } from './open';

const s = strings.actions;

/** Why an action cannot be taken on a run now; undefined: it can. */
export function whyNot(kind: RunActionKind | 'start', running: boolean): string | undefined {
  if (config.readOnly) return s.readOnly;
  return kind !== 'start' && kind !== 'delete' && !running ? s.closedAlready : undefined;
}

interface Props {
  ns: string;
  run: ExecutionInfo;
  onDone?: () => void;
  /** Opens the form that is filled from this run; left out where its input is not at hand. */
  onStartLike?: () => void;
}

interface ItemProps {
  name: string;
  icon: IconName;
  why: string | undefined;
  danger?: boolean;
  onClick: () => void;
}

function Item({ name, icon, why, danger, onClick }: ItemProps) {
  return (
    <Menu.Item
      disabled={why !== undefined}
      title={why ?? ''}
      leftSection={<Icon name={icon} />}
      className={danger && why === undefined ? 'sk-tone-red' : ''}
      onClick={onClick}
    >
      {name}
    </Menu.Item>
  );
}

type Possible = { why: string | undefined; onClick: () => void };

/** The same by keyboard, and in the palette, as long as it is possible. */
function useRunKeys(actions: Record<'signal' | 'cancel' | 'terminate', Possible>) {
  const group = shortcutGroups.run;
  const all = [
    { keys: 's', does: s.signal, group, icon: 'received', ...actions.signal },
    { keys: 'C', does: s.cancelRequest, group, icon: 'canceled', ...actions.cancel },
    { keys: 'T', does: s.terminate, group, icon: 'stopped', ...actions.terminate },
  ] as const;
  useShortcuts(all.flatMap((a) => (a.why === undefined ? { ...a, run: a.onClick } : [])));
  const command = (a: (typeof all)[number]) =>
    a.why === undefined ? { name: a.does, icon: a.icon, run: a.onClick } : undefined;
  useCommand(command(all[0]));
  useCommand(command(all[1]));
  useCommand(command(all[2]));
}

/** What can be done with one run: the menu of its page. */
export function RunActions({ ns, run, onDone, onStartLike }: Props) {
  const running = statusName(run.status) === 'Running';
  const workflowId = run.execution?.workflowId ?? '';
  const target = { workflowId, runId: run.execution?.runId };
  const item = (kind: RunActionKind) => ({
    why: whyNot(kind, running),
    onClick: () =>
      openAction({ kind, ns, targets: { of: 'one', run: target, running }, ...(onDone ? { onDone } : {}) }),
  });
  const why = whyNot('start', true);
  useRunKeys({ signal: item('signal'), cancel: item('cancel'), terminate: item('terminate') });
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button rightSection={<Icon name="down" size={12} />}>{s.menu}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Item {...item('signal')} name={s.signal} icon="received" />
        <Item {...item('cancel')} name={s.cancelRequest} icon="canceled" />
        <Item {...item('terminate')} name={s.terminate} icon="stopped" danger />
        <Menu.Divider />
        {onStartLike && <Item name={s.startLike} icon="play" why={why} onClick={onStartLike} />}
        <Item
          name={s.signalWithStart}
          icon="play"
          why={why}
          onClick={() => openAction({ kind: 'signalWithStart', ns })}
        />
        <Menu.Divider />
        <Item {...item('delete')} name={s.delete} icon="close" danger />
      </Menu.Dropdown>
    </Menu>
  );
}
