import { Button, Menu, Modal, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { isCode } from '@/api/errors';
import { createView, deleteView, type SavedView, updateView, viewsQuery } from '@/api/views';
import { Icon } from '@/design/icons';
import { ErrorPanel } from '@/design/parts';
import { toast } from '@/design/toasts';
import { quote } from '@/model/query';
import { strings } from '@/strings';
import { config } from '@/app/config';
import css from './menus.module.css';

const s = strings.workflows.views;
const day = 86_400_000;

/** What is shown now, as a view would keep it. */
export interface Shown {
  query: string;
  columns: readonly string[];
  sort: string;
}

interface Props {
  ns: string;
  name: string | undefined;
  shown: Shown;
  onChoose: (view: Shown & { name?: string }) => void;
}

function standardViews(): { name: string; query: string }[] {
  const yesterday = new Date(Math.floor((Date.now() - day) / 60_000) * 60_000).toISOString();
  return [
    { name: s.all, query: '' },
    { name: s.running, query: 'ExecutionStatus = "Running"' },
    { name: s.failed, query: 'ExecutionStatus IN ("Failed", "TimedOut")' },
    { name: s.today, query: `StartTime > ${quote(yesterday.replace('.000', ''))}` },
    { name: s.parents, query: 'ParentWorkflowId IS NULL' },
  ];
}

const sameView = (view: SavedView, shown: Shown) =>
  (view.query ?? '') === shown.query &&
  (view.sort ?? '') === shown.sort &&
  (view.columns ?? []).join('\n') === shown.columns.join('\n');

function SaveDialog(props: { ns: string; shown: Shown; opened: boolean; onClose: () => void; onSaved: (name: string) => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => createView(props.ns, { name: name.trim(), description, ...props.shown, columns: [...props.shown.columns] }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['views', props.ns] });
      toast('done', s.savedToast(name.trim()));
      props.onSaved(name.trim());
      props.onClose();
      setName('');
      setDescription('');
    },
  });
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={s.saveTitle} size={440} closeButtonProps={{ 'aria-label': strings.common.close }}>
      <form
        className={css['form']}
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <p className="sk-dim">{s.saveHint}</p>
        <TextInput
          data-autofocus
          required
          label={s.nameLabel}
          placeholder={s.namePlaceholder}
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Textarea
          label={s.descriptionLabel}
          maxLength={1000}
          autosize
          minRows={2}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        {save.isError && <ErrorPanel error={save.error} change />}
        <div className={css['formFoot']}>
          <Button onClick={props.onClose}>{strings.common.cancel}</Button>
          <Button type="submit" variant="filled" loading={save.isPending} disabled={!name.trim()}>
            {strings.common.save}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function useViewChanges(ns: string, onGone: () => void) {
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: ['views', ns] });
  const onError = (error: unknown) => {
    toast('failed', isCode(error, 'ABORTED') ? s.conflict : error instanceof Error ? error.message : String(error));
    void again();
  };
  const update = useMutation({
    mutationFn: ({ view, shown }: { view: SavedView; shown: Shown }) =>
      updateView(ns, view.name ?? '', { ...view, ...shown, columns: [...shown.columns] }),
    onSuccess: (_answer, { view }) => {
      toast('done', s.savedToast(view.name ?? ''));
      return again();
    },
    onError,
  });
  const remove = useMutation({
    mutationFn: (view: SavedView) => deleteView(ns, view),
    onSuccess: (_answer, view) => {
      // It was everybody's, and a menu is soon slipped in.
      toast(
        'done',
        s.removedToast(view.name ?? ''),
        <Button variant="subtle" size="compact-xs" onClick={() => restore.mutate(view)}>
          {s.restore}
        </Button>,
      );
      onGone();
      return again();
    },
    onError,
  });
  const restore = useMutation({
    mutationFn: ({ name = '', query = '', columns = [], sort = '', description = '' }: SavedView) =>
      createView(ns, { name, query, columns, sort, description }),
    onSuccess: (_answer, view) => {
      toast('done', s.savedToast(view.name ?? ''));
      return again();
    },
    onError,
  });
  return { update, remove };
}

/** Views that everybody has, views that the team saved, and saving this one. */
export function ViewsMenu({ ns, name, shown, onChoose }: Props) {
  const [saving, setSaving] = useState(false);
  const { data: views = [] } = useQuery(viewsQuery(ns));
  const current = views.find((v) => v.name === name);
  const changed = current !== undefined && !sameView(current, shown);
  const standard = standardViews();
  const { update, remove } = useViewChanges(ns, () => onChoose(shown));
  const label = current ? current.name : (standard.find((v) => v.query === shown.query)?.name ?? s.button);
  return (
    <>
      <Menu width={300}>
        <Menu.Target>
          <Button variant="subtle" color="gray" className={css['viewButton'] ?? ''} rightSection={<Icon name="down" size={12} />}>
            <span className={`sk-ellipsis ${css['viewName']}`}>{label}</span>
            {changed && <span className={css['viewBy']}>{s.changed}</span>}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{s.standard}</Menu.Label>
          {standard.map((view) => (
            <Menu.Item key={view.name} onClick={() => onChoose({ query: view.query, columns: [], sort: '' })}>
              {view.name}
            </Menu.Item>
          ))}
          <Menu.Label>{s.saved}</Menu.Label>
          {views.length === 0 && <Menu.Item disabled>{s.none}</Menu.Item>}
          {views.map((view) => (
            <Menu.Item
              key={view.name}
              title={view.description ?? ''}
              onClick={() =>
                onChoose({
                  name: view.name ?? '',
                  query: view.query ?? '',
                  columns: view.columns ?? [],
                  sort: view.sort ?? '',
                })
              }
            >
              <span className={css['viewItem']}>
                <span className={`sk-ellipsis ${css['viewName']}`}>{view.name}</span>
                {(view.updatedBy || view.owner) && <span className={css['viewBy']}>{s.by(view.updatedBy || view.owner || '')}</span>}
              </span>
            </Menu.Item>
          ))}
          {!config.readOnly && (
            <>
              <Menu.Divider />
              <Menu.Item onClick={() => setSaving(true)}>{s.save}</Menu.Item>
              {current && changed && (
                <Menu.Item onClick={() => update.mutate({ view: current, shown })}>{s.update(current.name ?? '')}</Menu.Item>
              )}
              {current && <Menu.Item onClick={() => remove.mutate(current)}>{s.remove(current.name ?? '')}</Menu.Item>}
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <SaveDialog ns={ns} shown={shown} opened={saving} onClose={() => setSaving(false)} onSaved={(saved) => onChoose({ ...shown, name: saved })} />
    </>
  );
}
