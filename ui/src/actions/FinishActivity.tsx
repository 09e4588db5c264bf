import { Checkbox, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { type ActivityEnd, finishActivity } from '@/api/activities';
import type { RunId } from '@/api/executions';
import { config } from '@/app/config';
import { useSettings } from '@/app/settings';
import { JsonField } from '@/design/JsonField';
import { toast } from '@/design/toasts';
import { cli } from '@/model/cli';
import { isJson } from '@/model/json';
import type { PendingActivity } from '@/model/proto';
import { strings } from '@/strings';
import { ActionButton } from './ActionButton';
import { ActionDialog } from './ActionDialog';

const s = strings.actions.finish;

interface Props {
  run: RunId;
  activity: PendingActivity;
  onDone: () => void;
}

function whyNot(activity: PendingActivity): string | undefined {
  if (config.readOnly) return strings.actions.readOnly;
  return activity.state === 'PENDING_ACTIVITY_STATE_STARTED' ? undefined : s.notStarted;
}

function Dialog({ kind, run, activity, onDone, onClose }: Props & { kind: ActivityEnd['kind']; onClose: () => void }) {
  const [result, setResult] = useState('');
  const [message, setMessage] = useState('');
  const [type, setType] = useState('');
  const [nonRetryable, setNonRetryable] = useState(false);
  const identity = useSettings().identity.trim();
  const id = activity.activityId ?? '';
  const name = activity.activityType?.name ?? id;
  const complete = kind === 'complete';
  const end: ActivityEnd = complete ? { kind, result } : { kind: 'fail', message, type, nonRetryable };
  const act = useMutation({
    mutationFn: () => finishActivity(run, id, end),
    onSuccess: () => {
      toast('done', complete ? s.completed(name) : s.failed(name));
      onDone();
      onClose();
    },
  });
  const wrong = complete && result.trim() !== '' && !isJson(result);
  return (
    <ActionDialog
      title={complete ? s.completeTitle(name) : s.failTitle(name)}
      explain={complete ? s.completeExplain : s.failExplain}
      submit={complete ? s.complete : s.fail}
      danger={!complete}
      pending={act.isPending}
      error={act.error ?? undefined}
      disabled={wrong ? strings.actions.mend : !complete && message.trim() === '' ? strings.actions.needed([s.message]) : undefined}
      command={cli.finishActivity(
        kind,
        { namespace: run.ns, workflowId: run.workflowId, runId: run.runId, address: config.grpcAddress, identity },
        id,
        complete ? { result } : { reason: message },
      )}
      onSubmit={() => act.mutate()}
      onClose={onClose}
    >
      {complete ? (
        <JsonField
          label={s.result}
          value={result}
          onChange={setResult}
          error={wrong ? strings.actions.form.problems.json : undefined}
        />
      ) : (
        <>
          <TextInput
            data-autofocus
            required
            label={s.message}
            value={message}
            onChange={(event) => setMessage(event.currentTarget.value)}
          />
          <TextInput label={s.errorType} value={type} onChange={(event) => setType(event.currentTarget.value)} />
          <Checkbox
            label={s.nonRetryable}
            checked={nonRetryable}
            onChange={(event) => setNonRetryable(event.currentTarget.checked)}
          />
        </>
      )}
    </ActionDialog>
  );
}

/** An operator's answer for a worker: the result, or that it failed. */
export function FinishActivity(props: Props) {
  const [kind, setKind] = useState<ActivityEnd['kind']>();
  const why = whyNot(props.activity);
  return (
    <>
      <ActionButton why={why} onClick={() => setKind('complete')}>
        {s.complete}
      </ActionButton>
      <ActionButton why={why} onClick={() => setKind('fail')}>
        {s.fail}
      </ActionButton>
      {kind && <Dialog {...props} kind={kind} onClose={() => setKind(undefined)} />}
    </>
  );
}
