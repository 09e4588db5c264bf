import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useTopic } from '@/api/push';
import { type TaskQueueInfo, type TaskQueueList, taskQueuesQuery } from '@/api/queues';
import { Icon } from '@/design/icons';
import { useOrdered } from '@/design/ordered';
import { Begin, EmptyState, ErrorPanel, Page } from '@/design/parts';
import { SimpleTable } from '@/design/SimpleTable';
import { StateBadge } from '@/design/StateBadge';
import { Time } from '@/design/Time';
import { durationMs, timeMs } from '@/model/proto';
import { byConcern, rateWords, shownState } from '@/model/queues';
import { spanWords } from '@/model/time';
import { strings } from '@/strings';
import css from './queues.module.css';

const s = strings.queues;
const pollMs = 5_000;
const route = getRouteApi('/namespaces/$ns/task-queues');

export function typeWord(type: string | undefined): string {
  const words: Record<string, string> = s.types;
  return words[type ?? ''] ?? '';
}

function useQueues(ns: string) {
  const [pushed, setPushed] = useState<{ ns: string; list: TaskQueueList }>();
  const live = useTopic({ taskQueues: { namespace: ns } }, (event) => {
    if (event.taskQueues) setPushed({ ns, list: event.taskQueues as TaskQueueList });
  });
  const asked = useQuery({ ...taskQueuesQuery(ns), refetchInterval: live ? false : pollMs });
  return { ...asked, data: live && pushed?.ns === ns ? pushed.list : asked.data };
}

/** Who polled within five minutes: present, or gone by now. */
function pollerWords(q: TaskQueueInfo) {
  const count = q.pollerCount ?? 0;
  const gone = count > 0 && q.idleReason === 'IDLE_REASON_POLLERS_GONE';
  return (
    <span title={s.pollersHint} className={gone ? 'sk-dim' : ''}>
      {gone ? s.gone(count) : count.toLocaleString('en')}
    </span>
  );
}

const columns = (ns: string) => [
  {
    name: s.columns.state,
    id: 'state',
    value: (q: TaskQueueInfo) => shownState(q).word,
    width: '140px',
    cell: (q: TaskQueueInfo) => <StateBadge state={shownState(q)} />,
  },
  {
    name: s.columns.name,
    lead: true,
    id: 'name',
    value: (q: TaskQueueInfo) => q.name ?? '',
    cell: (q: TaskQueueInfo) => (
      <Link to="/namespaces/$ns/task-queues/$name" params={{ ns, name: q.name ?? '' }}>
        {q.name}
      </Link>
    ),
  },
  {
    name: s.columns.type,
    id: 'type',
    value: (q: TaskQueueInfo) => typeWord(q.type),
    width: '90px',
    lead: true,
    cell: (q: TaskQueueInfo) => typeWord(q.type),
  },
  {
    name: s.columns.pollers,
    id: 'pollers',
    value: (q: TaskQueueInfo) => q.pollerCount ?? 0,
    width: '80px',
    numeric: true,
    cell: pollerWords,
  },
  {
    name: s.columns.waiting,
    id: 'waiting',
    value: (q: TaskQueueInfo) => q.waitingPolls ?? 0,
    width: '90px',
    numeric: true,
    wideOnly: true,
    cell: (q: TaskQueueInfo) => q.waitingPolls ?? 0,
  },
  {
    name: s.columns.backlog,
    id: 'backlog',
    value: (q: TaskQueueInfo) => Number(q.backlogCount ?? 0),
    width: '96px',
    numeric: true,
    cell: (q: TaskQueueInfo) => Number(q.backlogCount ?? 0).toLocaleString('en'),
  },
  {
    name: s.columns.age,
    id: 'age',
    value: (q: TaskQueueInfo) => durationMs(q.backlogAge),
    width: '84px',
    numeric: true,
    cell: (q: TaskQueueInfo) => (q.backlogAge ? spanWords(durationMs(q.backlogAge)) : strings.common.none),
  },
  {
    name: s.columns.added,
    id: 'added',
    value: (q: TaskQueueInfo) => q.addRate ?? 0,
    width: '84px',
    numeric: true,
    wideOnly: true,
    cell: (q: TaskQueueInfo) => rateWords(q.addRate),
  },
  {
    name: s.columns.dispatched,
    id: 'dispatched',
    value: (q: TaskQueueInfo) => q.dispatchRate ?? 0,
    width: '84px',
    numeric: true,
    wideOnly: true,
    cell: (q: TaskQueueInfo) => rateWords(q.dispatchRate),
  },
  {
    name: s.columns.lastPoll,
    id: 'lastPoll',
    value: (q: TaskQueueInfo) => timeMs(q.lastPollTime),
    width: '100px',
    numeric: true,
    cell: (q: TaskQueueInfo) => <Time at={q.lastPollTime} />,
  },
];

const keyOf = (q: TaskQueueInfo) => `${q.name ?? ''} ${q.type ?? ''}`;

/** The task queues of a namespace, those that need somebody first unless another order is asked for. */
export function QueuesPage() {
  const { ns } = route.useParams();
  const [wanted, setWanted] = useState('');
  const { data, error, refetch } = useQueues(ns);
  const { sort = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const shown = useMemo(() => columns(ns), [ns]);
  const found = useMemo(
    () => (data?.taskQueues ?? []).filter((q) => (q.name ?? '').toLowerCase().includes(wanted.toLowerCase())),
    [data, wanted],
  );
  const { ordered: rows, hold } = useOrdered({ rows: found, columns: shown, keyOf, sort, usual: byConcern });
  return (
    <Page
      bar={
        <div className={css['bar']}>
          <h1>{s.title}</h1>
          <TextInput
            aria-label={s.find}
            placeholder={s.find}
            leftSection={<Icon name="search" />}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
          />
          <span className={`sk-dim ${css['since']}`}>
            {data && (
              <>
                {s.since} <Time at={data.dataSince} /> {s.on}
              </>
            )}
          </span>
        </div>
      }
    >
      {error && !data ? (
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <p className={css['note']}>{strings.common.loading}</p>
      ) : rows.length === 0 ? (
        (data.taskQueues ?? []).length > 0 ? (
          <EmptyState title={s.noMatch(wanted)} icon="search">
            <Button onClick={() => setWanted('')}>{s.clear}</Button>
          </EmptyState>
        ) : (
          <EmptyState title={s.none} icon="queues">
            <p>{s.noneText}</p>
            <Begin ns={ns} />
          </EmptyState>
        )
      ) : (
        <>
          <SimpleTable
            label={s.title}
            columns={shown}
            rows={rows}
            rowKey={keyOf}
            sort={sort}
            onSort={(next) => void navigate({ search: next ? { sort: next } : {}, replace: true })}
            hold={hold}
          />
          {data.truncated && <p className={css['note']}>{s.truncated}</p>}
        </>
      )}
    </Page>
  );
}
