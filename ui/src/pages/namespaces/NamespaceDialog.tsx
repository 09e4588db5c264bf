import { Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ActionDialog } from '@/actions/ActionDialog';
import { createNamespace, type NamespaceForm, updateNamespace } from '@/api/admin';
import type { Namespace } from '@/api/namespaces';
import { config } from '@/app/config';
import { toast } from '@/design/toasts';
import { cli } from '@/model/cli';
import { retentionSeconds, retentionText } from '@/model/retention';
import { strings } from '@/strings';

const s = strings.namespaces;

interface Props {
  /** Undefined: a new one. */
  namespace: Namespace | undefined;
  onClose: () => void;
}

/** `key=value` a line. */
function dataText(data: Record<string, string> | undefined): string {
  return Object.entries(data ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}

function dataOf(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf('=');
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
  });
  return Object.fromEntries(pairs);
}

/** Makes a namespace or changes one. */
export function NamespaceDialog({ namespace, onClose }: Props) {
  const info = namespace?.namespaceInfo;
  const [form, setForm] = useState({
    name: info?.name ?? '',
    description: info?.description ?? '',
    ownerEmail: info?.ownerEmail ?? '',
    retention: retentionText(namespace?.config?.workflowExecutionRetentionTtl) || '3d',
    data: dataText(info?.data),
  });
  const client = useQueryClient();
  const retention = retentionSeconds(form.retention);
  const save = useMutation({
    mutationFn: (body: NamespaceForm) => (namespace ? updateNamespace(body) : createNamespace(body)),
    onSuccess: (_answer, body) => {
      toast('done', namespace ? s.updated(body.name) : s.created(body.name));
      void client.invalidateQueries({ queryKey: ['namespaces'] });
      onClose();
    },
  });
  const flags = {
    description: form.description,
    email: form.ownerEmail,
    retention: form.retention,
    data: Object.entries(dataOf(form.data)).map(([key, value]) => `${key}=${value}`),
  };
  const name = form.name.trim();
  return (
    <ActionDialog
      title={namespace ? s.editTitle(form.name) : s.create}
      submit={namespace ? strings.common.save : s.create}
      pending={save.isPending}
      error={save.error ?? undefined}
      disabled={name === '' ? strings.actions.needed([s.name]) : retention === undefined ? strings.actions.mend : undefined}
      unrecorded
      command={(namespace ? cli.updateNamespace : cli.createNamespace)(config.grpcAddress, name, flags)}
      onSubmit={() => save.mutate({ ...form, name, retention: retention ?? '', data: dataOf(form.data) })}
      onClose={onClose}
    >
      {!namespace && (
        <TextInput
          data-autofocus
          required
          label={s.name}
          description={s.nameHint}
          inputWrapperOrder={['label', 'input', 'description']}
          value={form.name}
          onChange={(event) => setForm({ ...form, name: event.currentTarget.value })}
        />
      )}
      <TextInput
        required
        label={s.retention}
        description={s.retentionHint}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        error={retention === undefined && strings.actions.form.problems.duration}
        value={form.retention}
        onChange={(event) => setForm({ ...form, retention: event.currentTarget.value })}
      />
      <TextInput
        label={s.description}
        value={form.description}
        onChange={(event) => setForm({ ...form, description: event.currentTarget.value })}
      />
      <TextInput
        label={s.owner}
        value={form.ownerEmail}
        onChange={(event) => setForm({ ...form, ownerEmail: event.currentTarget.value })}
      />
      <Textarea
        label={s.data}
        placeholder="team=payments"
        autosize
        minRows={2}
        value={form.data}
        onChange={(event) => setForm({ ...form, data: event.currentTarget.value })}
      />
    </ActionDialog>
  );
}
