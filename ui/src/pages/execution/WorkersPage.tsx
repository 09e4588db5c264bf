import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { describeQueue, type Poller, type QueueType, type RunId } from '@/api/executions';
import { Icon } from '@/design/icons';
import { ErrorPanel, Panel } from '@/design/parts';
import { Time } from '@/design/Time';
import { durationMs, timeMs } from '@/model/proto';
import { spanWords } from '@/model/time';
import { otherQueues, workersOf } from '@/model/workers';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { isOpen, useRun } from './run';
import css from './WorkersPage.module.css';

const s = executionStrings.workers;
const refreshMs = 5000;
/** A poll that ended longer ago was its worker's last. */
const silentMs = 70_000;

function useQueue(id: RunId, name: string, type: QueueType) {
  return useQuery({
    queryKey: ['queue', id.ns, name, type],
    queryFn: ({ signal }) => describeQueue(id.ns, name, type, signal),
    refetchInterval: refreshMs,
    enabled: name !== '',
  });
}

function build(poller: Poller): string {
  const o = poller.deploymentOptions;
  return [o?.deploymentName, o?.buildId].filter(Boolean).join(' ');
}

function Pollers({ id, name, type, title }: { id: RunId; name: string; type: QueueType; title: string }) {
  const queue = useQueue(id, name, type);
  const pollers = queue.data?.pollers ?? [];
  const stats = queue.data?.stats;
  const waiting = Number(stats?.approximateBacklogCount ?? 0);
  const age = durationMs(stats?.approximateBacklogAge);
  const builds = pollers.some((p) => build(p) !== '');
  return (
    <Panel
      title={title}
      aside={
        stats && (
          <span className="sk-dim">
            {s.backlog} {waiting.toLocaleString('en')}
            {waiting > 0 && age > 0 && ` (${spanWords(age)})`} · {s.rates} {(stats.tasksAddRate ?? 0).toFixed(1)} /{' '}
            {(stats.tasksDispatchRate ?? 0).toFixed(1)}
          </span>
        )
      }
    >
      {queue.isError && <ErrorPanel error={queue.error} onRetry={() => void queue.refetch()} />}
      {queue.isPending && <p className="sk-dim">{strings.common.loading}</p>}
      {queue.data && pollers.length === 0 && <p className="sk-dim">{s.noneOf}</p>}
      {pollers.length > 0 && (
        <table className={css['table']}>
          <thead>
            <tr>
              <th scope="col">{s.identity}</th>
              {builds && <th scope="col">{s.deployment}</th>}
              <th scope="col" className="sk-num">
                {s.lastPoll}
              </th>
            </tr>
          </thead>
          <tbody>
            {pollers.map((p) => (
              <tr key={p.identity} data-silent={Date.now() - timeMs(p.lastAccessTime) > silentMs || undefined}>
                <td>{p.identity}</td>
                {builds && <td>{build(p)}</td>}
                <td className="sk-num">
                  <Time at={p.lastAccessTime} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function Nobody({ id, name }: { id: RunId; name: string }) {
  const workflow = useQueue(id, name, 'TASK_QUEUE_TYPE_WORKFLOW');
  const activity = useQueue(id, name, 'TASK_QUEUE_TYPE_ACTIVITY');
  if (!workflow.data || !activity.data) return null;
  if ((workflow.data.pollers ?? []).length + (activity.data.pollers ?? []).length > 0) return null;
  return (
    <p className={css['nobody']} role="status">
      <Icon name="attention" />
      <span>
        <strong>{s.none}.</strong> {s.noneText(name)}
      </span>
    </p>
  );
}

function Took() {
  const { state } = useRun();
  const shares = useMemo(() => workersOf(state.log), [state.log, state.version]);
  if (shares.length === 0) return null;
  return (
    <Panel title={s.history} aside={state.log.complete ? null : <span className="sk-dim">{s.historyPartly}</span>}>
      <table className={css['table']}>
        <thead>
          <tr>
            <th scope="col">{s.identity}</th>
            <th scope="col" className="sk-num">
              {s.workflow}
            </th>
            <th scope="col" className="sk-num">
              {s.activity}
            </th>
            <th scope="col" className="sk-num">
              {s.lastSeen}
            </th>
          </tr>
        </thead>
        <tbody>
          {shares.slice(0, 200).map((one) => (
            <tr key={one.identity}>
              <td>{one.identity}</td>
              <td className="sk-num">{one.tasks.toLocaleString('en')}</td>
              <td className="sk-num">{one.activities.toLocaleString('en')}</td>
              <td className="sk-num">
                <Time at={one.lastMs} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

/** Who could take this run's tasks, and who did. */
export function WorkersPage() {
  const { id, state } = useRun();
  const name = state.describe?.workflowExecutionInfo?.taskQueue ?? '';
  const others = useMemo(() => otherQueues(state.log, name), [state.log, state.version, name]);
  if (!id || name === '') return null;
  return (
    <div className={css['page']}>
      {isOpen(state) && <Nobody id={id} name={name} />}
      <h2>
        {s.queue} {name}
      </h2>
      <div className={css['columns']}>
        <Pollers id={id} name={name} type="TASK_QUEUE_TYPE_WORKFLOW" title={s.workflow} />
        <Pollers id={id} name={name} type="TASK_QUEUE_TYPE_ACTIVITY" title={s.activity} />
      </div>
      {others.map((other) => (
        <Pollers key={other} id={id} name={other} type="TASK_QUEUE_TYPE_ACTIVITY" title={`${s.queue} ${other} · ${s.activity}`} />
      ))}
      <Took />
    </div>
  );
}
