import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { RunId } from '@/api/executions';
import { taskQueueQuery, workersQuery, type ActiveWorker, type QueueDetail } from '@/api/queues';
import { Icon } from '@/design/icons';
import { ErrorPanel, Panel } from '@/design/parts';
import { SimpleTable } from '@/design/SimpleTable';
import { StateBadge } from '@/design/StateBadge';
import { Time } from '@/design/Time';
import { durationMs } from '@/model/proto';
import { rateWords, shownState } from '@/model/queues';
import { spanWords } from '@/model/time';
import { otherQueues, workersOf, type WorkerShare } from '@/model/workers';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { isOpen, useRun } from './run';
import css from './WorkersPage.module.css';

const s = executionStrings.workers;
const refreshMs = 5000;

type Poller = NonNullable<QueueDetail['pollers']>[number];

const number = (value: string | number | undefined): string => Number(value ?? 0).toLocaleString('en');

/** What a poller's process says of itself, where the server saw it. */
function pollerColumns(workers: ReadonlyMap<string, ActiveWorker>) {
  const of = (p: Poller): ActiveWorker | undefined => workers.get(p.identity ?? '');
  return [
    { name: s.identity, cell: (p: Poller) => <span className="sk-mono">{p.identity}</span> },
    {
      name: s.sdk,
      width: '38%',
      wideOnly: true,
      cell: (p: Poller) => {
        const words = [of(p)?.sdkName, of(p)?.sdkVersion, p.deploymentName, p.buildId].filter(Boolean).join(' ');
        return <span title={words}>{words}</span>;
      },
    },
    { name: s.inHand, width: '90px', numeric: true, cell: (p: Poller) => (of(p) ? number(of(p)?.tasksInHand) : '') },
    { name: s.lastPoll, width: '100px', numeric: true, cell: (p: Poller) => <Time at={p.lastPollTime} /> },
  ];
}

/** In the words of the queue's own page. */
function backlogWords(detail: QueueDetail): string {
  const c = strings.queues.columns;
  const info = detail.info ?? {};
  const waiting = Number(info.backlogCount ?? 0);
  const age = durationMs(info.backlogAge);
  const old = waiting > 0 && age > 0 ? ` (${spanWords(age)})` : '';
  return [
    `${c.backlog} ${number(waiting)}${old}`,
    `${c.added} ${rateWords(info.addRate)}`,
    `${c.dispatched} ${rateWords(info.dispatchRate)}`,
  ].join(' · ');
}

function Side(props: { title: string; detail: QueueDetail; workers: ReadonlyMap<string, ActiveWorker>; open: boolean }) {
  const { title, detail, workers, open } = props;
  const pollers = detail.pollers ?? [];
  const columns = useMemo(() => pollerColumns(workers), [workers]);
  const state = detail.info && shownState(detail.info);
  const concerns = open && state?.tone === 'amber';
  return (
    <Panel title={title} aside={state && <StateBadge state={state} />}>
      <p className={css['backlog']}>{backlogWords(detail)}</p>
      {detail.explanation && (
        <p className={concerns ? css['concern'] : 'sk-dim'}>
          {concerns && <Icon name="attention" />} {detail.explanation}
        </p>
      )}
      {pollers.length > 0 && (
        <div className={css['flush']}>
          <SimpleTable label={title} columns={columns} rows={pollers} rowKey={(p) => p.identity ?? ''} />
        </div>
      )}
    </Panel>
  );
}

function Queue({ id, name, own }: { id: RunId; name: string; own: boolean }) {
  const { state } = useRun();
  const queue = useQuery({ ...taskQueueQuery(id.ns, name), refetchInterval: refreshMs });
  const workers = useQuery(workersQuery(id.ns, name));
  const known = useMemo(
    () => new Map((workers.data?.workers ?? []).map((w) => [w.identity ?? '', w])),
    [workers.data],
  );
  const open = isOpen(state);
  if (queue.isError) return <ErrorPanel error={queue.error} onRetry={() => void queue.refetch()} />;
  if (!queue.data) return <p className="sk-dim">{strings.common.loading}</p>;
  return (
    <section className={css['queue']}>
      <h2>
        {s.queue}{' '}
        <Link to="/namespaces/$ns/task-queues/$name" params={{ ns: id.ns, name }}>
          {name}
        </Link>
      </h2>
      <div className={css['columns']}>
        {own && queue.data.workflow && <Side title={s.workflow} detail={queue.data.workflow} workers={known} open={open} />}
        {queue.data.activity && <Side title={s.activity} detail={queue.data.activity} workers={known} open={open} />}
      </div>
    </section>
  );
}

const shareColumns = [
  { name: s.identity, cell: (w: WorkerShare) => <span className="sk-mono">{w.identity}</span> },
  { name: s.workflow, width: '130px', numeric: true, cell: (w: WorkerShare) => number(w.tasks) },
  { name: s.activity, width: '130px', numeric: true, cell: (w: WorkerShare) => number(w.activities) },
  { name: s.lastSeen, width: '110px', numeric: true, cell: (w: WorkerShare) => <Time at={w.lastMs} /> },
];

const sharesMax = 200;

function Took() {
  const { state } = useRun();
  const shares = useMemo(() => workersOf(state.log), [state.log, state.version]);
  if (shares.length === 0) return null;
  return (
    <Panel title={s.history} aside={state.log.complete ? null : <span className="sk-dim">{s.historyPartly}</span>}>
      <div className={css['flush']} data-alone>
        <SimpleTable label={s.history} columns={shareColumns} rows={shares.slice(0, sharesMax)} rowKey={(w) => w.identity} />
      </div>
    </Panel>
  );
}

/** Who could take this run's tasks, why nothing runs if nothing does, and who took part so far. */
export function WorkersPage() {
  const { id, state } = useRun();
  const name = state.describe?.workflowExecutionInfo?.taskQueue ?? '';
  const others = useMemo(() => otherQueues(state.log, name), [state.log, state.version, name]);
  if (!id || name === '') return null;
  return (
    <div className={css['page']}>
      <Queue id={id} name={name} own />
      {others.map((other) => (
        <Queue key={other} id={id} name={other} own={false} />
      ))}
      <Took />
    </div>
  );
}
