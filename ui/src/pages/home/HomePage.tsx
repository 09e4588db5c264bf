import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { readyQuery } from '@/api/admin';
import { useAway } from '@/api/connection';
import { figuresQuery } from '@/api/figures';
import { type TaskQueueInfo, taskQueuesQuery, workersQuery } from '@/api/queues';
import { Begin, EmptyState, ErrorPanel, Page, Panel } from '@/design/parts';
import { percentiles, Plot, type PlotSeries } from '@/design/Plot';
import { SimpleTable } from '@/design/SimpleTable';
import { StateBadge } from '@/design/StateBadge';
import { queueStates } from '@/design/states';
import { Time } from '@/design/Time';
import { durationMs } from '@/model/proto';
import { sizeWords } from '@/model/payloads';
import { byConcern, rateWords, shownState } from '@/model/queues';
import { type Series, seriesOf } from '@/model/series';
import { spanWords } from '@/model/time';
import { typeWord } from '@/pages/queues/QueuesPage';
import { useCounts } from '@/pages/workflows/useCounts';
import { strings } from '@/strings';
import { FailureInbox } from './FailureInbox';
import css from './home.module.css';

const s = strings.home;
const route = getRouteApi('/namespaces/$ns/home');
const queuesShown = 12;

interface FigureProps {
  name: string;
  children: ReactNode;
  tone?: 'red' | 'amber' | undefined;
}

function Figure({ name, tone, children }: FigureProps) {
  return (
    <div className={css['number']}>
      <dt>{name}</dt>
      <dd className={tone ? `sk-tone-${tone}` : ''}>{children}</dd>
    </div>
  );
}

/** Whether the server says of itself that it serves. */
function Health() {
  const { data } = useQuery(readyQuery);
  const away = useAway();
  if (data === undefined && !away) return <>{strings.common.none}</>;
  const state = data && !away
    ? { ...queueStates.flowing, word: s.health.serves }
    : { ...queueStates.unpolled, word: away ? s.health.away : s.health.notReady };
  return <StateBadge state={state} />;
}

/** The latest value that is known. */
function latest(values: readonly (number | null)[] | undefined): number | undefined {
  return values?.findLast((v) => v !== null) ?? undefined;
}

/** The sum of the last minute. */
function lastMinute(series: Series | undefined, name: string): number | undefined {
  if (!series) return undefined;
  const points = Math.max(1, Math.round(60 / series.stepSeconds));
  return series.values(name).slice(-points).reduce<number>((sum, v) => sum + (v ?? 0), 0);
}

const ms = (seconds: number) => spanWords(seconds * 1000);

/** Figures that belong together, under what they are about. */
function Group({ title, share, children }: { title: string; share: number; children: ReactNode }) {
  return (
    <section className={css['group']} style={{ flexGrow: share }}>
      <h2 className={css['groupTitle']}>{title}</h2>
      <dl className={css['numbers']}>{children}</dl>
    </section>
  );
}

function ServerNumbers({ series, since }: { series: Series | undefined; since: string | undefined }) {
  const n = s.numbers;
  const known = (name: string, words: (value: number) => string) => {
    const value = series && latest(series.values(name));
    return value === undefined ? strings.common.none : words(value);
  };
  const span = (name: string) => known(name, ms);
  const lately = (name: string) => lastMinute(series, name)?.toLocaleString('en') ?? strings.common.none;
  const failed = lastMinute(series, 'workflows_failed') ?? 0;
  return (
    <Group title={s.wholeServer} share={9}>
      <Figure name={n.server}>
        <Health />
      </Figure>
      <Figure name={n.started}>{lately('workflows_started')}</Figure>
      <Figure name={n.failed} tone={failed > 0 ? 'red' : undefined}>
        {lately('workflows_failed')}
      </Figure>
      <Figure name={n.requests}>{series ? rateWords(latest(series.rates('requests'))) : strings.common.none}</Figure>
      <Figure name={n.latency}>{span('request_p95')}</Figure>
      <Figure name={n.wait}>{span('schedule_to_start_p95')}</Figure>
      <Figure name={n.cpu}>{known('cpu', (cores) => cores.toFixed(2))}</Figure>
      <Figure name={n.memory}>{known('memory', sizeWords)}</Figure>
      <Figure name={n.since}>
        <Time at={since} />
      </Figure>
    </Group>
  );
}

interface NamespaceProps {
  ns: string;
  counts: ReturnType<typeof useCounts>;
  queues: readonly TaskQueueInfo[] | undefined;
}

function NamespaceNumbers({ ns, counts, queues }: NamespaceProps) {
  const { data: workers } = useQuery(workersQuery(ns));
  const n = s.numbers;
  const { none } = strings.common;
  const list = (status: string) =>
    counts ? (
      <Link to="/namespaces/$ns/workflows" params={{ ns }} search={{ q: `ExecutionStatus = "${status}"` }}>
        {(counts.get(status) ?? 0).toLocaleString('en')}
      </Link>
    ) : (
      none
    );
  return (
    <Group title={s.inNamespace(ns)} share={4}>
      <Figure name={n.running}>{list('Running')}</Figure>
      <Figure name={n.failedAll}>{list('Failed')}</Figure>
      <Figure name={n.backlog}>
        {queues ? (
          <Link to="/namespaces/$ns/task-queues" params={{ ns }}>
            {queues.reduce((sum, q) => sum + Number(q.backlogCount ?? 0), 0).toLocaleString('en')}
          </Link>
        ) : (
          none
        )}
      </Figure>
      <Figure name={n.workers}>
        {workers ? (
          <Link to="/namespaces/$ns/workers" params={{ ns }} search={{}}>
            {(workers.workers ?? []).filter((w) => w.alive).length.toLocaleString('en')}
          </Link>
        ) : (
          none
        )}
      </Figure>
    </Group>
  );
}

const queueColumns = (ns: string) => [
  { name: s.queues.columns.state, width: '124px', cell: (q: TaskQueueInfo) => <StateBadge state={shownState(q)} /> },
  {
    name: s.queues.columns.name,
    lead: true,
    cell: (q: TaskQueueInfo) => (
      <Link to="/namespaces/$ns/task-queues/$name" params={{ ns, name: q.name ?? '' }} title={`${q.name ?? ''}, ${typeWord(q.type)}`}>
        {q.name}
      </Link>
    ),
  },
  {
    name: s.queues.columns.waiting,
    width: '72px',
    numeric: true,
    cell: (q: TaskQueueInfo) => Number(q.backlogCount ?? 0).toLocaleString('en'),
  },
  {
    name: s.queues.columns.oldest,
    width: '84px',
    numeric: true,
    cell: (q: TaskQueueInfo) => (q.backlogAge ? spanWords(durationMs(q.backlogAge)) : strings.common.none),
  },
];

function ConcernedQueues({ ns, queues }: { ns: string; queues: readonly TaskQueueInfo[] }) {
  const concerned = queues.filter((q) => shownState(q).tone === 'amber').sort(byConcern);
  return (
    <Panel
      title={s.queues.title}
      aside={
        <Link to="/namespaces/$ns/task-queues" params={{ ns }}>
          {s.queues.all}
        </Link>
      }
    >
      {concerned.length === 0 && <p className="sk-dim">{s.queues.none}</p>}
      {concerned.length > 0 && (
        <div className={css['flush']}>
          <SimpleTable
            label={s.queues.title}
            columns={queueColumns(ns)}
            rows={concerned.slice(0, queuesShown)}
            rowKey={(q) => `${q.name ?? ''} ${q.type ?? ''}`}
          />
          {concerned.length > queuesShown && <p className={css['note']}>{s.queues.more(concerned.length - queuesShown)}</p>}
        </div>
      )}
    </Panel>
  );
}

function Plots({ series }: { series: Series }) {
  const plots = useMemo(
    () => ({
      workflows: [
        { name: s.plots.started, color: 'markNeutral', line: 'dashed', values: series.rates('workflows_started') },
        { name: s.plots.completed, color: 'markAccent', values: series.rates('workflows_completed') },
        { name: s.plots.failed, color: 'markRed', values: series.rates('workflows_failed') },
      ] satisfies PlotSeries[],
      requests: percentiles(series, 'request'),
      wait: percentiles(series, 'schedule_to_start'),
    }),
    [series],
  );
  return (
    <section className={css['plotsPart']}>
      <h2 className={css['groupTitle']}>{s.plots.title}</h2>
      <div className={css['plots']}>
        <Plot label={s.plots.workflows} times={series.times} series={plots.workflows} words={rateWords} />
        <Plot label={s.plots.wait} times={series.times} series={plots.wait} words={ms} none={s.plots.quiet} />
        <Plot label={s.plots.requests} times={series.times} series={plots.requests} words={ms} />
      </div>
    </section>
  );
}

/** Is all well, and if not, what is not: the first look of a morning. */
export function HomePage() {
  const { ns } = route.useParams();
  const { data: figures } = useQuery(figuresQuery({ kind: 'FIGURE_KIND_SERVER' }, false));
  const { data: list, error, refetch } = useQuery({ ...taskQueuesQuery(ns), refetchInterval: 5_000 });
  const series = useMemo(() => seriesOf(figures), [figures]);
  const queues = list?.taskQueues ?? [];
  const counts = useCounts(ns, '');
  const fresh = counts !== undefined && counts.size === 0 && list !== undefined && queues.length === 0;
  return (
    <Page>
      <h1 className="sk-hidden">{s.title}</h1>
      <div className={css['groups']}>
        <NamespaceNumbers ns={ns} counts={counts} queues={list && queues} />
        <ServerNumbers series={series} since={figures?.dataSince} />
      </div>
      {error && !list ? (
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      ) : (
        <>
          {fresh ? (
            <EmptyState title={strings.start.title} icon="workflows">
              <Begin ns={ns} />
            </EmptyState>
          ) : (
            <div className={css['grid']}>
              <FailureInbox ns={ns} />
              {list && <ConcernedQueues ns={ns} queues={queues} />}
            </div>
          )}
          {figures !== null &&
            (series && series.times.length > 1 ? <Plots series={series} /> : <p className={css['note']}>{s.plots.none}</p>)}
        </>
      )}
    </Page>
  );
}
