import { Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { listWorkflows } from '@/api/workflows';
import { Icon, type IconName } from '@/design/icons';
import { StateBadge } from '@/design/StateBadge';
import { workflowState } from '@/design/states';
import { Time } from '@/design/Time';
import { Kbd } from '@/design/parts';
import { idQuery } from '@/model/query';
import { strings } from '@/strings';
import css from './Palette.module.css';
import { useCommands } from './commands';
import { furtherPages, sections } from './sections';

const s = strings.shell.palette;
const debounceMs = 120;
const runsMax = 8;

interface Entry {
  key: string;
  group: string;
  label: ReactNode;
  run: () => void;
}

function IconLabel({ icon, text }: { icon: IconName; text: string }) {
  return (
    <span className={css['label']}>
      <Icon name={icon} />
      {text}
    </span>
  );
}

function useRuns(ns: string, wanted: string) {
  const query = idQuery(wanted);
  return useQuery({
    queryKey: ['palette', ns, query],
    enabled: wanted.trim() !== '',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => listWorkflows(ns, query, { pageSize: runsMax, signal }),
  });
}

function useEntries(ns: string, wanted: string): { entries: Entry[]; searching: boolean } {
  const navigate = useNavigate();
  const commands = useCommands();
  const [settled] = useDebouncedValue(wanted, debounceMs);
  const { data, isFetching } = useRuns(ns, settled);
  const text = wanted.trim().toLowerCase();
  const entries: Entry[] = [];
  if (text)
    for (const run of data?.executions ?? []) {
      const id = run.execution?.workflowId ?? '';
      const runId = run.execution?.runId ?? '';
      entries.push({
        key: `run ${runId}`,
        group: s.runs,
        label: (
          <span className={css['run']}>
            <StateBadge state={workflowState(run.status)} iconOnly />
            <span className={`sk-mono sk-ellipsis ${css['runId']}`}>{id}</span>
            <span className="sk-dim sk-ellipsis">{run.type?.name}</span>
            <span className={`sk-dim ${css['runTime']}`}>
              <Time at={run.startTime} />
            </span>
          </span>
        ),
        run: () =>
          void navigate({
            to: '/namespaces/$ns/workflows/$workflowId/$runId',
            params: { ns, workflowId: id, runId },
          }),
      });
    }
  for (const { name, icon, to } of sections)
    if (name.toLowerCase().includes(text))
      entries.push({
        key: `page ${to}`,
        group: s.pages,
        label: <IconLabel icon={icon} text={name} />,
        run: () => void navigate({ to, params: { ns }, search: {} }),
      });
  for (const { name, icon, to } of furtherPages)
    if (name.toLowerCase().includes(text))
      entries.push({
        key: `page ${to}`,
        group: s.pages,
        label: <IconLabel icon={icon} text={name} />,
        run: () => void navigate({ to }),
      });
  for (const command of commands)
    if (command.name.toLowerCase().includes(text))
      entries.push({
        key: `do ${command.name}`,
        group: s.actions,
        label: <IconLabel icon={command.icon} text={command.name} />,
        run: command.run,
      });
  if (text)
    entries.push({
      key: 'filter',
      group: s.pages,
      label: <IconLabel icon="filter" text={s.filterBy(wanted.trim())} />,
      run: () =>
        void navigate({ to: '/namespaces/$ns/workflows', params: { ns }, search: { q: idQuery(wanted) } }),
    });
  const order: string[] = [s.runs, s.pages, s.actions];
  entries.sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
  return { entries, searching: text !== '' && (isFetching || settled !== wanted) };
}

function List(props: { ns: string; onClose: () => void }) {
  const [wanted, setWanted] = useState('');
  const [active, setActive] = useState(0);
  const { entries, searching } = useEntries(props.ns, wanted);
  const listId = useId();
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  // Before the next key: whoever types on after Ctrl-K means this field. Focus goes back where it was.
  useLayoutEffect(() => {
    const before = document.activeElement;
    field.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const at = Math.min(active, entries.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    props.onClose();
    entry.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && entries.length > 0) {
      event.preventDefault();
      setActive((at + step + entries.length) % entries.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      choose(entries[at]);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      props.onClose();
    }
  };
  return (
    <>
      <div className={css['field']}>
        <Icon name="search" size={16} />
        <input
          ref={field}
          data-autofocus
          className={css['input']}
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={entries[at] ? `${listId}-${at}` : undefined}
          aria-label={s.title}
          placeholder={s.placeholder}
          value={wanted}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            setWanted(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <Kbd>Esc</Kbd>
      </div>
      <div ref={list} id={listId} role="listbox" aria-label={s.title} className={css['list']}>
        {entries.map((entry, i) => (
          <div key={entry.key} role="presentation">
            {entry.group !== entries[i - 1]?.group && (
              <div className={css['group']} role="presentation">
                {entry.group}
              </div>
            )}
            <div
              id={`${listId}-${i}`}
              role="option"
              aria-selected={i === at}
              className={css['entry']}
              onMouseMove={() => setActive(i)}
              onClick={() => choose(entry)}
            >
              {entry.label}
            </div>
          </div>
        ))}
      </div>
      {(searching || entries.length === 0) && (
        <div className={css['foot']} role="status">
          {searching ? s.searching : s.nothing}
        </div>
      )}
    </>
  );
}

/** Ctrl-K: finds runs by id and goes anywhere. */
export function Palette({ ns, opened, onClose }: { ns: string; opened: boolean; onClose: () => void }) {
  return (
    <Modal.Root
      opened={opened}
      onClose={onClose}
      size={620}
      yOffset="10vh"
      returnFocus={false}
      transitionProps={{ duration: 0 }}
    >
      <Modal.Overlay />
      <Modal.Content aria-label={s.title}>
        <List ns={ns} onClose={onClose} />
      </Modal.Content>
    </Modal.Root>
  );
}
