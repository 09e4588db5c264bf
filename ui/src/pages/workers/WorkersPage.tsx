import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Fragment, useState } from 'react';
import { type ActiveWorker, workersQuery } from '@/api/queues';
import { Icon } from '@/design/icons';
import { Begin, EmptyState, ErrorPanel, Fact, Facts, Page } from '@/design/parts';
import { ariaSort, SortButton, useOrdered } from '@/design/ordered';
import { StateBadge } from '@/design/StateBadge';
import { type State, workerStates } from '@/design/states';
import { Time } from '@/design/Time';
import { timeMs } from '@/model/proto';
import type { Sortable } from '@/model/table';
import { strings } from '@/strings';
import { typeWord } from '@/pages/queues/QueuesPage';
import queueCss from '@/pages/queues/queues.module.css';
import css from './workers.module.css';

const s = strings.workers;
const c = s.columns;
const route = getRouteApi('/namespaces/$ns/workers');

const count = (text: string | number | undefined) => Number(text ?? 0);

export function workerState(worker: ActiveWorker): State {
  if (!worker.alive) return workerStates.gone;
  return count(worker.tasksInHand) > 0 ? workerStates.working : workerStates.idle;
}

/** Names of its queues, each once; its sticky ones are its own affair. */
function queueNames(worker: ActiveWorker): string[] {
  return [...new Set((worker.queues ?? []).filter((q) => !q.sticky).map((q) => q.name ?? ''))];
}

function slotWords(slots: { currentAvailableSlots?: number; currentUsedSlots?: number } | undefined): string {
  if (!slots) return strings.common.none;
  const used = slots.currentUsedSlots ?? 0;
  return s.slots(used, used + (slots.currentAvailableSlots ?? 0));
}

const percent = (share: number | undefined) =>
  share === undefined ? strings.common.none : `${Math.round(share * 100)} %`;

function Heartbeat({ worker }: { worker: ActiveWorker }) {
  const beat = worker.heartbeat;
  const f = s.facts;
  if (!beat) return <Fact name={f.host}>{f.noHeartbeat}</Fact>;
  return (
    <>
      <Fact name={f.host}>{[beat.hostInfo?.hostName, beat.hostInfo?.processId].filter(Boolean).join(' ')}</Fact>
      <Fact name={f.cpu}>{percent(beat.hostInfo?.currentHostCpuUsage)}</Fact>
      <Fact name={f.memory}>{percent(beat.hostInfo?.currentHostMemUsage)}</Fact>
      <Fact name={f.workflowSlots}>{slotWords(beat.workflowTaskSlotsInfo)}</Fact>
      <Fact name={f.activitySlots}>{slotWords(beat.activityTaskSlotsInfo)}</Fact>
      <Fact name={f.cache}>{count(beat.currentStickyCacheSize).toLocaleString('en')}</Fact>
      <Fact name={f.heartbeat}>
        <Time at={beat.heartbeatTime} />
      </Fact>
    </>
  );
}

function Details({ ns, worker }: { ns: string; worker: ActiveWorker }) {
  const f = s.facts;
  return (
    <div className={css['details']}>
      <Facts>
        {worker.buildId && <Fact name={f.build}>{worker.buildId}</Fact>}
        {worker.deploymentName && <Fact name={f.deployment}>{worker.deploymentName}</Fact>}
        <Fact name={f.address}>{worker.peer}</Fact>
        <Fact name={f.firstSeen}>
          <Time at={worker.firstSeenTime} />
        </Fact>
        <Heartbeat worker={worker} />
      </Facts>
      <div>
        <h3 className={css['subhead']}>{s.queues}</h3>
        <ul className={css['list']}>
          {(worker.queues ?? []).map((q) => (
            <li key={`${q.name ?? ''} ${q.type ?? ''}`}>
              {q.sticky ? (
                <span className="sk-dim">{s.sticky}</span>
              ) : (
                <Link to="/namespaces/$ns/task-queues/$name" params={{ ns, name: q.name ?? '' }}>
                  {q.name}
                </Link>
              )}
              <span className="sk-dim">{typeWord(q.type)}</span>
              <span className="sk-num">{count(q.tasksTaken).toLocaleString('en')}</span>
              <Time at={q.lastPollTime} />
            </li>
          ))}
        </ul>
      </div>
      <div>
        <h3 className={css['subhead']}>{s.lastError}</h3>
        {worker.lastError ? (
          <p>
            <span className="sk-tone-red">{worker.lastError.type}</span> {worker.lastError.message}{' '}
            <span className="sk-dim">
              <Time at={worker.lastError.time} />
            </span>
          </p>
        ) : (
          <p className="sk-dim">{s.noError}</p>
        )}
      </div>
    </div>
  );
}

function Row({ ns, worker }: { ns: string; worker: ActiveWorker }) {
  const [open, setOpen] = useState(false);
  const numbers = [worker.tasksInHand, worker.waitingPolls, worker.tasksTaken, worker.tasksFailed];
  return (
    <Fragment>
      <tr className={css['row']} onClick={(event) => !(event.target as Element).closest('a, button') && setOpen(!open)}>
        <td className={css['state']}>
          <button
            type="button"
            className={css['toggle']}
            aria-expanded={open}
            aria-label={`${s.details}: ${worker.identity ?? ''}`}
            onClick={() => setOpen(!open)}
          >
            <Icon name={open ? 'down' : 'right'} size={12} />
          </button>
          <StateBadge state={workerState(worker)} />
        </td>
        <td className="sk-mono" title={worker.identity}>
          {worker.identity}
        </td>
        <td className={css['wideOnly']} title={[worker.sdkName, worker.sdkVersion].filter(Boolean).join(' ')}>{[worker.sdkName, worker.sdkVersion].filter(Boolean).join(' ')}</td>
        <td>
          {queueNames(worker).map((name) => (
            <Link key={name} to="/namespaces/$ns/task-queues/$name" params={{ ns, name }} className={css['queue']}>
              {name}
            </Link>
          ))}
        </td>
        {numbers.map((n, i) => (
          <td key={i} data-name={heads[i + 4]?.name} className={`${css['num']} ${i === 1 || i === 2 ? css['wideOnly'] : ''}`}>
            {count(n).toLocaleString('en')}
          </td>
        ))}
        <td className={css['num']} data-name={c.lastPoll}>
          <Time at={worker.lastPollTime} />
        </td>
      </tr>
      {open && (
        <tr className={css['more']}>
          <td colSpan={9} className={css['open']}>
            <Details ns={ns} worker={worker} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

interface Head extends Sortable<ActiveWorker> {
  name: string;
  width?: string;
  wideOnly?: boolean;
}

const heads: readonly Head[] = [
  { id: 'state', name: c.state, width: '132px', value: (w) => workerState(w).word },
  { id: 'identity', name: c.identity, value: (w) => w.identity ?? '' },
  { id: 'sdk', name: c.sdk, width: '208px', wideOnly: true, value: (w) => `${w.sdkName ?? ''} ${w.sdkVersion ?? ''}` },
  { id: 'queues', name: c.queues, width: '22%', value: (w) => queueNames(w).join(' ') },
  { id: 'inHand', name: c.inHand, width: '74px', numeric: true, value: (w) => count(w.tasksInHand) },
  { id: 'free', name: c.free, width: '86px', numeric: true, wideOnly: true, value: (w) => count(w.waitingPolls) },
  { id: 'taken', name: c.taken, width: '78px', numeric: true, wideOnly: true, value: (w) => count(w.tasksTaken) },
  { id: 'failed', name: c.failed, width: '70px', numeric: true, value: (w) => count(w.tasksFailed) },
  { id: 'lastPoll', name: c.lastPoll, width: '96px', numeric: true, value: (w) => timeMs(w.lastPollTime) },
];

const keyOf = (worker: ActiveWorker) => worker.identity ?? '';
const byIdentity = (a: ActiveWorker, b: ActiveWorker) => keyOf(a).localeCompare(keyOf(b));
const noWorkers: readonly ActiveWorker[] = [];

/** Who works here, and on what. */
export function WorkersPage() {
  const { ns } = route.useParams();
  const { queue, sort = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery(workersQuery(ns, queue));
  const rows = data?.workers ?? noWorkers;
  const { ordered: workers, hold } = useOrdered({ rows, columns: heads, keyOf, sort, usual: byIdentity });
  const onSort = (next: string) =>
    void navigate({ search: { ...(queue ? { queue } : {}), ...(next ? { sort: next } : {}) }, replace: true });
  return (
    <Page
      bar={
        <div className={queueCss['bar']}>
          <h1>{s.title}</h1>
          {queue && (
            <>
              <span>{s.filtered(queue)}</span>
              <Link to="/namespaces/$ns/workers" params={{ ns }} search={{}}>
                {s.all}
              </Link>
            </>
          )}
          <span className={`sk-dim ${queueCss['since']}`}>
            {data && (
              <>
                {strings.queues.since} <Time at={data.dataSince} /> {strings.queues.on}
              </>
            )}
          </span>
        </div>
      }
    >
      {error && !data ? (
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <p className={queueCss['note']}>{strings.common.loading}</p>
      ) : workers.length === 0 ? (
        <EmptyState title={s.none} icon="workers">
          <p>{s.noneText}</p>
          <Begin ns={ns} />
        </EmptyState>
      ) : (
        <table className={css['table']} aria-label={s.title}>
          <colgroup>
            {heads.map((head) => (
              <col key={head.name} style={head.width ? { width: head.width } : {}} className={head.wideOnly ? css['wideOnly'] : ''} />
            ))}
          </colgroup>
          <thead>
            <tr>
              {heads.map((head) => (
                <th
                  key={head.name}
                  scope="col"
                  aria-sort={ariaSort(head.id, sort)}
                  className={`${head.numeric ? css['num'] : ''} ${head.wideOnly ? css['wideOnly'] : ''}`}
                >
                  <SortButton column={head} sort={sort} onSort={onSort} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody {...hold}>
            {workers.map((worker) => (
              <Row key={worker.identity} ns={ns} worker={worker} />
            ))}
          </tbody>
        </table>
      )}
    </Page>
  );
}
