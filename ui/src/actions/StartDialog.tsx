import { Autocomplete, Button, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { newId, signalWithStart, startWorkflow } from '@/api/actions';
import { searchAttributesQuery } from '@/api/searchAttributes';
import { listWorkflows } from '@/api/workflows';
import { config } from '@/app/config';
import { useSettings } from '@/app/settings';
import { toast } from '@/design/toasts';
import {
  beyondCommand,
  emptyStart,
  type Problem,
  problems as problemsOf,
  type StartForm,
  startCommand,
  startRequest,
} from '@/model/start';
import { strings } from '@/strings';
import { ActionDialog } from './ActionDialog';
import css from './actions.module.css';
import { Inputs } from './Inputs';
import { closeAction, type StartAction } from './open';
import { Data, Encoding, Ids, Labels, type PartProps, Retry, Timing } from './StartSections';

const s = strings.actions;
const f = s.form;

/** Types and queues in use, to choose from. */
function useSeen(ns: string) {
  const { data } = useQuery({
    queryKey: ['seen', ns],
    staleTime: 60_000,
    queryFn: ({ signal }) => listWorkflows(ns, '', { pageSize: 200, signal }),
  });
  return useMemo(() => {
    const rows = data?.executions ?? [];
    const distinct = (values: (string | undefined)[]) => [...new Set(values.flatMap((v) => v || []))].sort();
    return { types: distinct(rows.map((r) => r.type?.name)), queues: distinct(rows.map((r) => r.taskQueue)) };
  }, [data]);
}

function Basics({ form, set, seen }: PartProps & { seen: ReturnType<typeof useSeen> }) {
  const [blank] = useState(form.type === ''); // else what is chosen first is chosen already
  return (
    <div className={css['grid']}>
      <Autocomplete
        data-autofocus={blank || undefined}
        required
        label={f.type}
        data={seen.types}
        value={form.type}
        onChange={(type) => set({ type })}
      />
      <Autocomplete
        required
        label={f.taskQueue}
        data={seen.queues}
        value={form.taskQueue}
        onChange={(taskQueue) => set({ taskQueue })}
      />
      <TextInput
        data-autofocus={!blank || undefined}
        label={f.workflowId}
        placeholder={f.workflowIdHint}
        value={form.workflowId}
        onChange={(event) => set({ workflowId: event.currentTarget.value })}
      />
    </div>
  );
}

function SignalPart({ form, set, errorOf }: PartProps) {
  return (
    <>
      <TextInput
        required
        label={s.signalName}
        value={form.signalName}
        onChange={(event) => set({ signalName: event.currentTarget.value })}
      />
      <Inputs
        title={f.signal}
        values={form.signalInputs}
        onChange={(signalInputs) => set({ signalInputs })}
        errorOf={(i) => errorOf(`signalInputs.${i}`)}
      />
    </>
  );
}

/** The words of a problem; what is missing is said by the fields' marks, not by red. */
function wordsOf(found: readonly Problem[]) {
  return (field: string) => {
    const problem = found.find((p) => p.field === field && p.problem !== 'missing');
    return problem && f.problems[problem.problem];
  };
}

/** Why it cannot be sent yet. */
function obstacle(found: readonly Problem[]): string | undefined {
  const names: Record<string, string> = { type: f.type, taskQueue: f.taskQueue, signalName: s.signalName };
  const missing = found.flatMap((p) => (p.problem === 'missing' ? (names[p.field] ?? p.field) : []));
  if (missing.length > 0) return s.needed(missing);
  return found.length > 0 ? s.mend : undefined;
}

/** Sends the form, says what came of it and offers to open it. */
function useStart(ns: string, signal: boolean) {
  const client = useQueryClient();
  const router = useRouter();
  return useMutation({
    mutationFn: (body: Record<string, unknown>) => (signal ? signalWithStart : startWorkflow)(ns, body),
    onSuccess: (answer, body) => {
      const workflowId = String(body['workflowId']);
      const params = { ns, workflowId, runId: answer.runId ?? '' };
      const open = () => void router.navigate({ to: '/namespaces/$ns/workflows/$workflowId/$runId', params });
      toast(
        'done',
        answer.started ? s.done.start(workflowId) : s.done.used(workflowId),
        <Button variant="subtle" size="compact-xs" onClick={open}>
          {s.open}
        </Button>,
      );
      void client.invalidateQueries();
      closeAction();
    },
  });
}

/** Starts a workflow, with every option that the API has for it; or signals one and starts it if need be. */
export function StartDialog({ action }: { action: StartAction }) {
  const { ns, kind } = action;
  const signal = kind === 'signalWithStart';
  const [form, setForm] = useState<StartForm>(() => action.like ?? emptyStart());
  const [random] = useState(newId);
  const { data: attributes = [] } = useQuery(searchAttributesQuery(ns));
  const seen = useSeen(ns);
  const start = useStart(ns, signal);
  const found = problemsOf(form, signal, attributes);
  const workflowId = form.workflowId.trim() || random;
  const target = { namespace: ns, address: config.grpcAddress, identity: useSettings().identity.trim() };
  const part: PartProps = {
    form,
    set: (change) => setForm((now) => ({ ...now, ...change })),
    errorOf: wordsOf(found),
  };
  return (
    <ActionDialog
      wide
      title={signal ? s.signalWithStart : action.like ? s.startLike : s.start}
      submit={s.submit[kind]}
      pending={start.isPending}
      error={start.error ?? undefined}
      disabled={obstacle(found)}
      command={startCommand(form, target, workflowId, signal, attributes)}
      commandTitle={beyondCommand(form) ? `${s.command}. ${s.commandNotAll}` : s.command}
      onSubmit={() => start.mutate(startRequest(form, workflowId, signal, attributes))}
      onClose={closeAction}
    >
      <Basics {...part} seen={seen} />
      {signal && <SignalPart {...part} />}
      <Inputs
        title={f.input}
        values={form.inputs}
        onChange={(inputs) => part.set({ inputs })}
        errorOf={(i) => part.errorOf(`inputs.${i}`)}
      />
      <div className={css['sections']}>
        <Ids {...part} />
        <Timing {...part} />
        <Retry {...part} />
        <Encoding {...part} />
        <Data {...part} attributes={attributes.map((a) => a.name)} />
        <Labels {...part} />
      </div>
    </ActionDialog>
  );
}
