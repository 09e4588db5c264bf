import { Icon } from '@/design/icons';
import { failureLine } from '@/model/failure';
import type { EventView } from '@/model/history';
import { payloadsIn } from '@/model/payloads';
import type { Attributes, Failure } from '@/model/proto';
import { executionStrings } from '@/strings/execution';
import { EventLink, RunLink } from './parts/Attributes';
import { useDecoding } from './parts/codec';
import { CodecNotice } from './parts/CodecNotice';
import { useRun } from './run';
import css from './Notices.module.css';

const s = executionStrings.header;

function closeAttributes(run: ReturnType<typeof useRun>): { type: string; id: number; a: Attributes } | undefined {
  const { log } = run.state;
  const last = log.get(log.last);
  if (!last || last.category !== 'workflow' || Number.isNaN(run.state.closeMs)) return undefined;
  return { type: last.type, id: last.id, a: last.attributes };
}

/** What a reader must not miss: why it failed, that its task fails, that it went on elsewhere. */
export function Notices() {
  const run = useRun();
  const { state } = run;
  const closed = closeAttributes(run);
  const failure = closed?.a['failure'] as Failure | undefined;
  useDecoding(() => payloadsIn(failure));
  const next = closed?.a['newExecutionRunId'];
  const task = state.describe?.pendingWorkflowTask;
  const workflowId = run.id?.workflowId ?? '';
  return (
    <>
      <CodecNotice />
      {state.deleted && <p className={css['notice']}>{s.deleted}</p>}
      {failure && closed?.type === 'WORKFLOW_EXECUTION_FAILED' && (
        <p className={css['notice']} data-tone="red">
          <Icon name="failed" />
          <span className={css['text']}>{failureLine(failure)}</span>
          <EventLink event={closed.id}>{executionStrings.details.event(closed.id)}</EventLink>
        </p>
      )}
      {typeof next === 'string' && next !== '' && (
        <p className={css['notice']}>
          <Icon name="continued" />
          <span className={css['text']}>{s.continuedAs}</span>
          <RunLink workflowId={workflowId} runId={next}>
            {s.openNewRun}
          </RunLink>
        </p>
      )}
      {(task?.attempt ?? 1) > 1 && <TaskFailing attempt={task?.attempt ?? 1} />}
    </>
  );
}

/** Workflow tasks are tried again for ever, and only the first failure stands in the history. */
function TaskFailing({ attempt }: { attempt: number }) {
  const { log } = useRun().state;
  let found: EventView | undefined;
  for (let i = log.size - 1; i >= Math.max(0, log.size - 20) && !found; i--) {
    const event = log.at(i);
    if (event?.type === 'WORKFLOW_TASK_FAILED' || event?.type === 'WORKFLOW_TASK_TIMED_OUT') found = event;
  }
  useDecoding(() => payloadsIn(found?.attributes['failure']));
  const why = failureLine(found?.attributes['failure'] as Failure | undefined);
  return (
    <p className={css['notice']} data-tone="amber">
      <Icon name="attention" />
      <span className={css['text']}>
        {s.taskFailing(attempt)}
        {why && `: ${why}`}
      </span>
      {found && <EventLink event={found.id}>{executionStrings.details.event(found.id)}</EventLink>}
    </p>
  );
}
