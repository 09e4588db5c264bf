import { UnstyledButton } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { ActivityActions } from '@/actions/ActivityActions';
import { Icon } from '@/design/icons';
import { EmptyState, Panel } from '@/design/parts';
import { StateBadge } from '@/design/StateBadge';
import { stepStates } from '@/design/states';
import { Time } from '@/design/Time';
import { stepName } from '@/model/describe';
import type { Outcome } from '@/model/events';
import { failureLine } from '@/model/failure';
import type { Step } from '@/model/history';
import { enumWords, timeMs, type PendingActivity, type PendingWorkflowTask } from '@/model/proto';
import { payloadList, payloadsIn } from '@/model/payloads';
import { spanWords } from '@/model/time';
import { stepBar, type TimelineContext } from '@/model/timeline';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { RunLink } from './parts/Attributes';
import { useDecoding } from './parts/codec';
import { FailureView } from './parts/Failure';
import { Payloads } from './parts/Payloads';
import { StepDetails } from './parts/StepDetails';
import { isOpen, timelineContext, useRun, useTick } from './run';
import css from './PendingPage.module.css';

const s = executionStrings.pending;

/** Whole seconds: what counts down shows no more. */
function seconds(ms: number): string {
  return spanWords(Math.max(Math.round(ms / 1000), 0) * 1000);
}

function activityState(activity: PendingActivity): Outcome {
  if (activity.paused) return 'paused';
  if (activity.state === 'PENDING_ACTIVITY_STATE_STARTED') return 'running';
  return (activity.attempt ?? 1) > 1 ? 'retrying' : 'scheduled';
}

/** What the activity does at this moment. */
function nowWords(activity: PendingActivity, nowMs: number): string {
  const next = timeMs(activity.nextAttemptScheduleTime);
  if (activity.paused) return s.paused(activity.pauseInfo?.manual?.identity ?? '');
  if (activity.state === 'PENDING_ACTIVITY_STATE_STARTED') {
    return `${s.running} ${seconds(nowMs - timeMs(activity.lastStartedTime))}`;
  }
  if (next > nowMs) return s.nextIn(seconds(next - nowMs));
  const since = Number.isNaN(next) ? timeMs(activity.scheduledTime) : next;
  return `${s.queued} ${seconds(nowMs - since)}`;
}

interface ActivityProps {
  activity: PendingActivity;
  context: TimelineContext;
  /** Nothing else is pending: it is what one came for. */
  alone: boolean;
}

function Activity({ activity, context, alone }: ActivityProps) {
  const { id, state, store } = useRun();
  const [open, setOpen] = useState(alone);
  useDecoding(() => payloadsIn([activity.lastFailure]));
  const attempt = activity.attempt ?? 1;
  const step = open ? stepOf(state.log.steps(), activity.activityId ?? '') : undefined;
  return (
    <li className={css['item']}>
      <UnstyledButton className={css['row']} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'down' : 'right'} size={12} />
        <StateBadge state={stepStates[activityState(activity)]} />
        <span className={css['name']}>{activity.activityType?.name}</span>
        <span className="sk-dim">
          {executionStrings.attempt(attempt)}
          {activity.maximumAttempts ? ` / ${activity.maximumAttempts}` : ''}
        </span>
        <span>{nowWords(activity, context.nowMs)}</span>
        {activity.lastHeartbeatTime && (
          <span className="sk-dim">
            {s.heartbeat} <Time at={activity.lastHeartbeatTime} />
          </span>
        )}
        <span className={css['worker']}>{activity.lastWorkerIdentity}</span>
      </UnstyledButton>
      {open && id && (
        <div className={css['actions']}>
          <ActivityActions run={id} activity={activity} onDone={() => store.refresh()} />
        </div>
      )}
      {activity.lastFailure && !open && <p className={css['failure']}>{failureLine(activity.lastFailure)}</p>}
      {open && (
        <div className={css['open']}>
          {step ? (
            <StepDetails step={step} context={context} heading={false} />
          ) : (
            <>
              {activity.lastFailure && <FailureView failure={activity.lastFailure} />}
              <Payloads payloads={payloadList(activity.heartbeatDetails)} what={s.heartbeat} />
            </>
          )}
        </div>
      )}
    </li>
  );
}

function stepOf(steps: readonly Step[], activityId: string): Step | undefined {
  return steps.findLast((x) => x.kind === 'activity' && !x.close && x.open?.attributes['activityId'] === activityId);
}

function List({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Panel title={title} aside={aside}>
      <ul className={css['list']}>{children}</ul>
    </Panel>
  );
}

function Timer({ step, context }: { step: Step; context: TimelineContext }) {
  const bar = stepBar(step, context);
  return (
    <li className={css['plain']}>
      <StateBadge state={stepStates.running} />
      <span className={css['name']}>{stepName(step)}</span>
      {bar.dueMs !== undefined && (
        <span>
          {s.due} {strings.common.ahead(seconds(bar.dueMs - context.nowMs))}
        </span>
      )}
      <span className="sk-dim">
        {s.since} <Time at={bar.fromMs} />
      </span>
    </li>
  );
}

function WorkflowTask({ task, nowMs }: { task: PendingWorkflowTask; nowMs: number }) {
  const started = task.state === 'PENDING_WORKFLOW_TASK_STATE_STARTED';
  const since = timeMs(started ? task.startedTime : task.scheduledTime);
  return (
    <li className={css['plain']}>
      <StateBadge state={stepStates[(task.attempt ?? 1) > 1 ? 'retrying' : started ? 'running' : 'scheduled']} />
      <span>{started ? s.taskState.started : s.taskState.scheduled}</span>
      {!Number.isNaN(since) && <span>{seconds(nowMs - since)}</span>}
      {(task.attempt ?? 1) > 1 && <span className="sk-dim">{executionStrings.attempt(task.attempt ?? 1)}</span>}
    </li>
  );
}

/** All that the run waits for. */
export function PendingPage() {
  const { state } = useRun();
  const open = isOpen(state);
  const nowMs = useTick(1000, open);
  const context = timelineContext(state, nowMs);
  // What a closed run left behind is not pending any more, though the server still names it.
  const describe = open ? state.describe : undefined;
  const activities = describe?.pendingActivities ?? [];
  const children = describe?.pendingChildren ?? [];
  const task = describe?.pendingWorkflowTask;
  const timers = open ? state.log.steps().filter((x) => x.kind === 'timer' && !x.close && x.open) : [];
  const count = activities.length + children.length + timers.length;
  if (count === 0 && !task) {
    if (!state.describe) return <p className={css['loading']}>{strings.common.loading}</p>;
    return <EmptyState title={s.nothing}>{open ? s.nothingOpen : s.nothingClosed}</EmptyState>;
  }
  return (
    <div className={css['page']}>
      {task && (
        <List title={s.task}>
          <WorkflowTask task={task} nowMs={context.nowMs} />
        </List>
      )}
      {activities.length > 0 && (
        <List title={s.activities} aside={<span className="sk-dim">{activities.length}</span>}>
          {activities.map((a) => (
            <Activity key={a.activityId} activity={a} context={context} alone={count === 1} />
          ))}
        </List>
      )}
      {children.length > 0 && (
        <List title={s.children} aside={<span className="sk-dim">{children.length}</span>}>
          {children.map((c) => (
            <li key={c.initiatedId} className={css['plain']}>
              <StateBadge state={stepStates[c.runId ? 'running' : 'scheduled']} />
              <span className={css['name']}>{c.workflowTypeName}</span>
              <RunLink workflowId={c.workflowId ?? ''} runId={c.runId ?? ''} />
              <span className="sk-dim">
                {s.policy}: {enumWords(c.parentClosePolicy, 'PARENT_CLOSE_POLICY').toLowerCase()}
              </span>
            </li>
          ))}
        </List>
      )}
      {timers.length > 0 && (
        <List title={s.timers} aside={state.log.complete ? null : <span className="sk-dim">{s.timersPartly}</span>}>
          {timers.map((step) => (
            <Timer key={step.key} step={step} context={context} />
          ))}
        </List>
      )}
    </div>
  );
}
