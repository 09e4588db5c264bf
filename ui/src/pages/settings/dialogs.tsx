import { NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ActionDialog } from '@/actions/ActionDialog';
import { addSearchAttribute, deleteNamespace, removeSearchAttribute } from '@/api/admin';
import { config } from '@/app/config';
import { changeSettings } from '@/app/settings';
import { toast } from '@/design/toasts';
import { cli } from '@/model/cli';
import { strings } from '@/strings';

const s = strings.namespaces;
const a = s.attributes;

export function AddAttributeDialog({ ns, onClose }: { ns: string; onClose: () => void }) {
  const [name, setName] = useState('');
  const [type, setType] = useState('Keyword');
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: () => addSearchAttribute(ns, name.trim(), type),
    onSuccess: () => {
      toast('done', a.added(name.trim()));
      void client.invalidateQueries({ queryKey: ['search-attributes', ns] });
      onClose();
    },
  });
  return (
    <ActionDialog
      title={a.add}
      submit={a.add}
      pending={add.isPending}
      error={add.error ?? undefined}
      disabled={name.trim() === '' ? strings.actions.needed([a.name]) : undefined}
      unrecorded
      command={cli.addSearchAttribute({ namespace: ns, address: config.grpcAddress }, name, type)}
      onSubmit={() => add.mutate()}
      onClose={onClose}
    >
      <TextInput
        data-autofocus
        required
        label={a.name}
        placeholder={a.nameHint}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <NativeSelect
        size="xs"
        label={a.type}
        data={Object.entries(a.types).map(([value, label]) => ({ value, label }))}
        value={type}
        onChange={(event) => setType(event.currentTarget.value)}
      />
    </ActionDialog>
  );
}

export function RemoveAttributeDialog({ ns, name, onClose }: { ns: string; name: string; onClose: () => void }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => removeSearchAttribute(ns, name),
    onSuccess: () => {
      toast('done', a.removed(name));
      void client.invalidateQueries({ queryKey: ['search-attributes', ns] });
      onClose();
    },
  });
  return (
    <ActionDialog
      danger
      unrecorded
      title={a.removeTitle(name)}
      explain={a.removeExplain}
      submit={a.remove}
      pending={remove.isPending}
      error={remove.error ?? undefined}
      command={cli.removeSearchAttribute({ namespace: ns, address: config.grpcAddress }, name)}
      onSubmit={() => remove.mutate()}
      onClose={onClose}
    />
  );
}

/** Asks for the name: nothing else here takes away that much. */
export function DeleteNamespaceDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => deleteNamespace(name),
    onSuccess: () => {
      toast('done', s.deleted(name));
      changeSettings({ namespace: '' });
      void navigate({ to: '/namespaces' }).then(() => {
        client.removeQueries({ queryKey: ['namespaces', name] }); // only now: who still shows it would ask again
        return client.invalidateQueries({ queryKey: ['namespaces'] });
      });
    },
  });
  return (
    <ActionDialog
      danger
      title={`${s.delete} ${name}`}
      explain={s.deleteExplain}
      submit={s.delete}
      pending={remove.isPending}
      error={remove.error ?? undefined}
      disabled={typed === name ? undefined : s.deleteUnconfirmed}
      unrecorded
      command={cli.deleteNamespace(config.grpcAddress, name)}
      onSubmit={() => remove.mutate()}
      onClose={onClose}
    >
      <TextInput
        data-autofocus
        label={s.deleteConfirm(name)}
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </ActionDialog>
  );
}
