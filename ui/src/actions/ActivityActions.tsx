import { Button, Checkbox, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { changeActivity, type ActivityChange } from '@/api/activities';
import type { RunId } from '@/api/executions';
import { config } from '@/app/config';
import { useSettings } from '@/app/settings';
import { toast } from '@/design/toasts';
import { cli } from '@/model/cli';
import type { PendingActivity } from '@/model/proto';
import { strings } from '@/strings';
import { ActionDialog } from './ActionDialog';
import { FinishActivity } from './FinishActivity';

const s = strings.execution.activityActions;

type Kind = ActivityChange['kind'];

interface Props {
  run: RunId;
  activity: PendingActivity;
  onDone: () => void;
}

/** What can be done with an activity that is pending: hold it back, let it go, begin it anew. */
export function ActivityActions({ run, activity, onDone }: Props) {
  const [kind, setKind] = useState<Kind>();
  const off = config.readOnly;
  const button = (name: Kind) => (
    <Button
      disabled={off}
      title={off ? strings.actions.readOnly : undefined}
      onClick={(event) => {
        event.stopPropagation();
        setKind(name);
      }}
    >
      {s[name].name}
    </Button>
  );
  return (
    <>
      {activity.paused ? button('unpause') : button('pause')}
      {button('reset')}
      <FinishActivity run={run} activity={activity} onDone={onDone} />
      {kind && <Dialog kind={kind} run={run} activity={activity} onDone={onDone} onClose={() => setKind(undefined)} />}
    </>
  );
}

function Dialog(props: Props & { kind: Kind; onClose: () => void }) {
  const { kind, run, activity, onClose, onDone } = props;
  const [reason, setReason] = useState('');
  const [attempts, setAttempts] = useState(false);
  const [heartbeat, setHeartbeat] = useState(false);
  const [keepPaused, setKeepPaused] = useState(false);
  const identity = useSettings().identity.trim();
  const id = activity.activityId ?? '';
  const words = s[kind];
  const change: ActivityChange =
    kind === 'pause'
      ? { kind, reason: reason.trim() }
      : kind === 'unpause'
        ? { kind, resetAttempts: attempts, resetHeartbeat: heartbeat }
        : { kind, keepPaused, resetHeartbeat: heartbeat };
  const act = useMutation({
    mutationFn: () => changeActivity(run, id, change),
    onSuccess: () => {
      toast('done', words.done(activity.activityType?.name ?? id));
      onDone();
      onClose();
    },
  });
  const flags =
    change.kind === 'pause'
      ? { reason: change.reason }
      : {
          'reset-heartbeats': change.resetHeartbeat,
          ...(change.kind === 'unpause' ? { 'reset-attempts': change.resetAttempts } : { 'keep-paused': change.keepPaused }),
        };
  return (
    <ActionDialog
      title={words.title(activity.activityType?.name ?? id)}
      explain={words.explain}
      submit={words.name}
      pending={act.isPending}
      error={act.error ?? undefined}
      command={cli.activity(
        kind,
        { namespace: run.ns, workflowId: run.workflowId, runId: run.runId, address: config.grpcAddress, identity },
        id,
        flags,
      )}
      onSubmit={() => act.mutate()}
      onClose={onClose}
    >
      {kind === 'pause' && (
        <TextInput label={s.reason} value={reason} maxLength={1000} onChange={(e) => setReason(e.currentTarget.value)} />
      )}
      {kind === 'unpause' && (
        <Checkbox label={s.resetAttempts} checked={attempts} onChange={(e) => setAttempts(e.currentTarget.checked)} />
      )}
      {kind === 'reset' && activity.paused && (
        <Checkbox label={s.keepPaused} checked={keepPaused} onChange={(e) => setKeepPaused(e.currentTarget.checked)} />
      )}
      {kind !== 'pause' && (
        <Checkbox label={s.resetHeartbeat} checked={heartbeat} onChange={(e) => setHeartbeat(e.currentTarget.checked)} />
      )}
    </ActionDialog>
  );
}
