import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { figuresQuery } from '@/api/figures';
import { type TaskQueueInfo, taskQueuesQuery, workersQuery } from '@/api/queues';
import { Page, Panel } from '@/design/parts';
import { Plot, type PlotSeries } from '@/design/Plot';
import { StateBadge } from '@/design/StateBadge';
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

function ServerNumbers({ series }: { series: Series | undefined }) {
  if (!series) return null;
  const n = s.numbers;
  const span = (name: string) => {
    const seconds = latest(series.values(name));
    return seconds === undefined ? strings.common.none : spanWords(seconds * 1000);
  };
  const failed = lastMinute(series, 'workflows_failed') ?? 0;
  return (
    <>
      <Figure name={n.started}>{(lastMinute(series, 'workflows_started') ?? 0).toLocaleString('en')}</Figure>
      <Figure name={n.failed} tone={failed > 0 ? 'red' : undefined}>
        {failed.toLocaleString('en')}
      </Figure>
      <Figure name={n.requests}>{rateWords(latest(series.rates('requests')))}</Figure>
      <Figure name={n.latency}>{span('request_p95')}</Figure>
      <Figure name={n.wait}>{span('schedule_to_start_p95')}</Figure>
      <Figure name={n.cpu}>{(latest(series.values('cpu')) ?? 0).toFixed(2)}</Figure>
      <Figure name={n.memory}>{sizeWords(latest(series.values('memory')) ?? 0)}</Figure>
    </>
  );
}

function Numbers({ ns, series, queues }: { ns: string; series: Series | undefined; queues: readonly TaskQueueInfo[] }) {
  const counts = useCounts(ns, '');
  const { data: workers } = useQuery(workersQuery(ns));
  const n = s.numbers;
  const waiting = queues.reduce((sum, q) => sum + Number(q.backlogCount ?? 0), 0);
  const failed = counts?.get('Failed') ?? 0;
  const list = (status: string, count: number) => (
    <Link to="/namespaces/$ns/workflows" params={{ ns }} search={{ q: `ExecutionStatus = "${status}"` }}>
      {count.toLocaleString('en')}
    </Link>
  );
  return (
    <dl className={css['numbers']}>
      <Figure name={n.running}>{list('Running', counts?.get('Running') ?? 0)}</Figure>
      <Figure name={n.failedAll}>{list('Failed', failed)}</Figure>
      <Figure name={n.backlog}>
        <Link to="/namespaces/$ns/task-queues" params={{ ns }}>
          {waiting.toLocaleString('en')}
        </Link>
      </Figure>
      <Figure name={n.workers}>
        <Link to="/namespaces/$ns/workers" params={{ ns }} search={{}}>
          {(workers?.workers ?? []).filter((w) => w.alive).length.toLocaleString('en')}
        </Link>
      </Figure>
      <ServerNumbers series={series} />
    </dl>
  );
}

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
      <ul className={css['queues']}>
        {concerned.slice(0, queuesShown).map((q) => (
          <li key={`${q.name ?? ''} ${q.type ?? ''}`}>
            <StateBadge state={shownState(q)} />
            <Link to="/namespaces/$ns/task-queues/$name" params={{ ns, name: q.name ?? '' }} className="sk-ellipsis">
              {q.name}
            </Link>
            <span className="sk-dim">{typeWord(q.type)}</span>
            <span className="sk-num">
              {Number(q.backlogCount ?? 0).toLocaleString('en')}
              {q.backlogAge && <span className="sk-dim"> {spanWords(durationMs(q.backlogAge))}</span>}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function percentiles(series: Series, name: string): PlotSeries[] {
  return [
    { name: 'p50', color: 'markAccent', values: series.values(`${name}_p50`) },
    { name: 'p95', color: 'markNeutral', dashed: true, values: series.values(`${name}_p95`) },
    { name: 'p99', color: 'markWait', dashed: true, values: series.values(`${name}_p99`) },
  ];
}

const ms = (seconds: number) => spanWords(seconds * 1000);

function Plots({ series }: { series: Series }) {
  const plots = useMemo(
    () => ({
      workflows: [
        { name: s.plots.started, color: 'markNeutral', dashed: true, values: series.rates('workflows_started') },
        { name: s.plots.completed, color: 'markAccent', values: series.rates('workflows_completed') },
        { name: s.plots.failed, color: 'markRed', values: series.rates('workflows_failed') },
      ] satisfies PlotSeries[],
      requests: percentiles(series, 'request'),
      wait: percentiles(series, 'schedule_to_start'),
    }),
    [series],
  );
  return (
    <div className={css['plots']}>
      <Plot label={s.plots.workflows} times={series.times} series={plots.workflows} words={rateWords} />
      <Plot label={s.plots.wait} times={series.times} series={plots.wait} words={ms} />
      <Plot label={s.plots.requests} times={series.times} series={plots.requests} words={ms} />
    </div>
  );
}

/** Is all well, and if not, what is not: the first look of a morning. */
export function HomePage() {
  const { ns } = route.useParams();
  const { data: figures } = useQuery(figuresQuery({ kind: 'FIGURE_KIND_SERVER' }, false));
  const { data: list } = useQuery({ ...taskQueuesQuery(ns), refetchInterval: 5_000 });
  const series = useMemo(() => seriesOf(figures), [figures]);
  const queues = list?.taskQueues ?? [];
  return (
    <Page>
      <h1 className="sk-hidden">{s.title}</h1>
      <Numbers ns={ns} series={series} queues={queues} />
      <div className={css['grid']}>
        <FailureInbox ns={ns} />
        <ConcernedQueues ns={ns} queues={queues} />
      </div>
      {figures !== null && (series && series.times.length > 1 ? <Plots series={series} /> : <p className={css['note']}>{s.plots.none}</p>)}
    </Page>
  );
}
