import { Button, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { cancelRun, deleteRun, type RunRef, signalRun, terminateRun } from '@/api/actions';
import { config } from '@/app/config';
import { settings, useSettings } from '@/app/settings';
import { toast } from '@/design/toasts';
import { cli } from '@/model/cli';
import { isJson } from '@/model/json';
import { strings } from '@/strings';
import { ActionDialog } from './ActionDialog';
import { BulkView, PreviewBox } from './BulkView';
import { Inputs } from './Inputs';
import { closeAction, type RunAction, type RunActionKind } from './open';
import { needsRunning, targetsMax, usePreview } from './targets';
import { useBulk } from './useBulk';

const s = strings.actions;

interface Words {
  reason: string;
  signalName: string;
  inputs: string[];
}

function perform(kind: RunActionKind, ns: string, run: RunRef, words: Words): Promise<unknown> {
  switch (kind) {
    case 'signal':
      return signalRun(ns, run, words.signalName.trim(), words.inputs);
    case 'cancel':
      return cancelRun(ns, run, words.reason);
    case 'terminate':
      return terminateRun(ns, run, words.reason);
    case 'delete':
      return deleteRun(ns, run);
  }
}

function commandFor(kind: RunActionKind, ns: string, run: RunRef, words: Words): string {
  const target = { namespace: ns, address: config.grpcAddress, ...run };
  const signed = { ...target, identity: settings().identity.trim() };
  switch (kind) {
    case 'signal':
      return cli.signal(signed, words.signalName, words.inputs);
    case 'cancel':
      return cli.cancel(signed, words.reason);
    case 'terminate':
      return cli.terminate(signed, words.reason);
    case 'delete':
      return cli.delete(target);
  }
}

interface FieldsProps {
  kind: RunActionKind;
  words: Words;
  onWords: (words: Words) => void;
}

function Fields({ kind, words, onWords }: FieldsProps) {
  if (kind === 'delete') return null;
  if (kind === 'signal')
    return (
      <>
        <TextInput
          data-autofocus
          required
          label={s.signalName}
          value={words.signalName}
          onChange={(event) => onWords({ ...words, signalName: event.currentTarget.value })}
        />
        <Inputs
          title={s.inputs}
          values={words.inputs}
          onChange={(inputs) => onWords({ ...words, inputs })}
          errorOf={(i) => (isJson(words.inputs[i] ?? '') ? undefined : s.form.problems.json)}
        />
      </>
    );
  return (
    <Textarea
      data-autofocus
      label={s.reason}
      description={s.reasonHint}
      inputWrapperOrder={['label', 'input', 'description']}
      placeholder={s.reasonPlaceholder}
      autosize
      minRows={2}
      maxLength={1000}
      value={words.reason}
      onChange={(event) => onWords({ ...words, reason: event.currentTarget.value })}
    />
  );
}

/** Why it cannot be done now. */
function obstacle(kind: RunActionKind, count: number | undefined, one: boolean, words: Words): string | undefined {
  if (count === undefined) return s.preview.counting;
  if (count === 0) return one && needsRunning(kind) ? s.closedAlready : s.preview.none;
  if (kind !== 'signal') return undefined;
  if (!words.signalName.trim()) return s.needed([s.signalName]);
  return words.inputs.every(isJson) ? undefined : s.mend;
}

/** Signal, cancel, terminate or delete: one run, some, or all that a query matches. */
export function RunActionDialog({ action }: { action: RunAction }) {
  const { kind, ns, targets } = action;
  const [words, setWords] = useState<Words>({ reason: '', signalName: '', inputs: [] });
  useSettings(); // the name stands in the command
  const client = useQueryClient();
  const preview = usePreview(kind, ns, targets);
  const one = targets.of === 'one' ? targets : undefined;
  const settle = () => {
    void client.invalidateQueries();
    action.onDone?.();
  };
  const bulk = useBulk(action, (run) => perform(kind, ns, run, words), settle);
  const single = useMutation({
    mutationFn: (run: RunRef) => perform(kind, ns, run, words),
    onSuccess: (_answer, run) => {
      toast('done', s.done[kind](run.workflowId));
      closeAction();
    },
    onSettled: settle,
  });
  const sample: RunRef = one?.run ?? { workflowId: preview.samples[0] ?? '…' };
  const count = Math.min(preview.count ?? 0, targetsMax);
  const stopOrClose = bulk.isPending ? (
    <Button onClick={bulk.stop}>{s.progress.stop}</Button>
  ) : (
    <Button onClick={closeAction}>{strings.common.close}</Button>
  );
  return (
    <ActionDialog
      title={s.titles[kind](one ? one.run.workflowId : s.runs(count))}
      explain={one ? s.explain[kind] : s.explainMany[kind]}
      submit={one ? s.submit[kind] : s.many[kind](count)}
      danger={kind === 'terminate' || kind === 'delete'}
      pending={single.isPending || bulk.isPending}
      error={single.error ?? bulk.error ?? undefined}
      disabled={obstacle(kind, preview.count, one !== undefined, words)}
      unrecorded={kind === 'delete'}
      command={commandFor(kind, ns, sample, words)}
      commandTitle={one ? s.command : s.commandOneByOne}
      onSubmit={() => (one ? single.mutate(one.run) : bulk.run())}
      onClose={() => {
        bulk.stop();
        closeAction();
      }}
      foot={bulk.state && stopOrClose}
    >
      {bulk.state ? (
        <BulkView state={bulk.state} />
      ) : (
        <>
          {!one && <PreviewBox preview={preview} />}
          <Fields kind={kind} words={words} onWords={setWords} />
        </>
      )}
    </ActionDialog>
  );
}
