import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import { type FigureKind, figuresQuery } from '@/api/figures';
import { type QueueDetail, taskQueueQuery } from '@/api/queues';
import { ErrorPanel, Page, Panel } from '@/design/parts';
import { percentiles, Plot, type PlotSeries } from '@/design/Plot';
import { SimpleTable } from '@/design/SimpleTable';
import { StateBadge } from '@/design/StateBadge';
import { Time } from '@/design/Time';
import { durationMs } from '@/model/proto';
import { quote } from '@/model/query';
import { forecast, rateWords, shownState } from '@/model/queues';
import { seriesOf } from '@/model/series';
import { spanWords } from '@/model/time';
import { strings } from '@/strings';
import css from './queues.module.css';

const s = strings.queues;
const route = getRouteApi('/namespaces/$ns/task-queues/$name');
const refreshMs = 2_000;

function Figure({ name, value, more }: { name: string; value: ReactNode; more?: ReactNode }) {
  return (
    <div className={css['figure']}>
      <dt>{name}</dt>
      <dd>
        {value}
        {more && <small>{more}</small>}
      </dd>
    </div>
  );
}

function forecastWords(detail: QueueDetail): string | undefined {
  const f = detail.info && forecast(detail.info);
  if (!f) return undefined;
  if (f.kind === 'stands') return s.stands;
  return f.kind === 'drains' ? s.drains(spanWords(f.value)) : s.grows(rateWords(f.value));
}

function Numbers({ detail }: { detail: QueueDetail }) {
  const info = detail.info ?? {};
  return (
    <dl className={css['figures']}>
      <Figure
        name={s.columns.backlog}
        value={Number(info.backlogCount ?? 0).toLocaleString('en')}
        more={forecastWords(detail)}
      />
      <Figure
        name={s.columns.age}
        value={info.backlogAge ? spanWords(durationMs(info.backlogAge)) : strings.common.none}
      />
      <Figure name={s.columns.added} value={rateWords(info.addRate)} />
      <Figure name={s.columns.dispatched} value={rateWords(info.dispatchRate)} />
      {info.rateLimit !== undefined && <Figure name={s.columns.limit} value={rateWords(info.rateLimit)} />}
    </dl>
  );
}

function Why({ ns, detail }: { ns: string; detail: QueueDetail }) {
  if (!detail.explanation) return null;
  return (
    <div className={css['why']} data-calm={(detail.info && shownState(detail.info).tone !== 'amber') || undefined}>
      <strong>{s.why}</strong>
      <span>{detail.explanation}</span>
      {(detail.similarNames ?? []).length > 0 && (
        <span>
          {s.similar}{' '}
          {detail.similarNames?.map((name) => (
            <Link key={name} to="/namespaces/$ns/task-queues/$name" params={{ ns, name }}>
              {name}{' '}
            </Link>
          ))}
        </span>
      )}
    </div>
  );
}

type PollerRow = NonNullable<QueueDetail['pollers']>[number];
type LevelRow = NonNullable<QueueDetail['levels']>[number];

const buildWords = (p: PollerRow) => [p.deploymentName, p.buildId].filter(Boolean).join(' ');

/** A column of builds only where somebody has one. */
const pollerColumns = (pollers: readonly PollerRow[]) => [
  { name: s.identity, cell: (p: PollerRow) => <span className="sk-mono">{p.identity}</span> },
  ...(pollers.some((p) => buildWords(p) !== '')
    ? [{ name: s.build, width: '34%', wideOnly: true, cell: (p: PollerRow) => <span title={buildWords(p)}>{buildWords(p)}</span> }]
    : []),
  { name: s.columns.lastPoll, width: '110px', numeric: true, cell: (p: PollerRow) => <Time at={p.lastPollTime} /> },
];

const levelColumns = [
  { name: s.priority, cell: (l: LevelRow) => l.priority ?? 0 },
  { name: s.columns.backlog, numeric: true, cell: (l: LevelRow) => Number(l.backlogCount ?? 0).toLocaleString('en') },
  { name: s.columns.age, numeric: true, cell: (l: LevelRow) => (l.backlogAge ? spanWords(durationMs(l.backlogAge)) : strings.common.none) },
  { name: s.columns.added, numeric: true, cell: (l: LevelRow) => rateWords(l.addRate) },
  { name: s.columns.dispatched, numeric: true, cell: (l: LevelRow) => rateWords(l.dispatchRate) },
];

/** Half a task is no mark of an axis. */
const wholeWords = (value: number) => (Number.isInteger(value) ? value.toLocaleString('en') : '');

interface PlotsProps {
  ns: string;
  name: string;
  kind: FigureKind;
  day: boolean;
  /** Somebody polls or something waits: figures will come. */
  used: boolean;
}

/** Over time; nothing where the server keeps no figures of this queue. */
function Plots({ ns, name, kind, day, used }: PlotsProps) {
  const { data } = useQuery(figuresQuery({ kind, namespace: ns, name }, day));
  const series = useMemo(() => seriesOf(data), [data]);
  const plots = useMemo(() => {
    if (!series) return undefined;
    const rates: PlotSeries[] = [
      { name: s.plots.added, color: 'markNeutral', line: 'dashed', values: series.rates('added') },
      { name: s.plots.dispatched, color: 'markAccent', values: series.rates('dispatched') },
    ];
    const backlog: PlotSeries[] = [
      { name: s.plots.backlog, color: 'markAmber', filled: true, values: series.values('backlog') },
    ];
    const latency = percentiles(series, 'schedule_to_start');
    return { rates, backlog, latency };
  }, [series]);
  if (data === null) return null;
  if (!series || !plots || series.times.length < 2) return used ? <p className="sk-dim">{s.plots.none}</p> : null;
  return (
    <>
      <Plot label={s.plots.rates} times={series.times} series={plots.rates} words={rateWords} />
      <Plot label={s.plots.backlog} times={series.times} series={plots.backlog} words={wholeWords} />
      <Plot label={s.plots.latency} times={series.times} series={plots.latency} words={(v) => spanWords(v * 1000)} none={s.plots.quiet} />
    </>
  );
}

interface SideProps extends Omit<PlotsProps, 'used'> {
  title: string;
  detail: QueueDetail;
}

function Side({ title, detail, ...plots }: SideProps) {
  const pollers = detail.pollers ?? [];
  const levels = detail.levels ?? [];
  return (
    <Panel title={title} aside={detail.info && <StateBadge state={shownState(detail.info)} />}>
      <div className={css['stack']}>
        <Why ns={plots.ns} detail={detail} />
        <Numbers detail={detail} />
        {levels.length > 1 && (
          <div>
            <h3 className={css['subhead']}>{s.levels}</h3>
            <div className={css['flush']}>
              <SimpleTable label={s.levels} columns={levelColumns} rows={levels} rowKey={(l) => String(l.priority)} />
            </div>
          </div>
        )}
        {pollers.length === 0 ? (
          <p className="sk-dim">{s.noPollers}</p>
        ) : (
          <div className={css['flush']}>
            <SimpleTable label={s.pollers} columns={pollerColumns(pollers)} rows={pollers} rowKey={(p) => p.identity ?? ''} />
          </div>
        )}
        <Plots {...plots} used={pollers.length > 0 || Number(detail.info?.backlogCount ?? 0) > 0} />
      </div>
    </Panel>
  );
}

/** One task queue, both its kinds of tasks. */
export function QueuePage() {
  const { ns, name } = route.useParams();
  const [span, setSpan] = useState('hour');
  const { data, error, refetch } = useQuery({ ...taskQueueQuery(ns, name), refetchInterval: refreshMs });
  const side = { ns, name, day: span === 'day' };
  const { data: figures } = useQuery(
    figuresQuery({ kind: 'FIGURE_KIND_WORKFLOW_QUEUE', namespace: ns, name }, side.day),
  );
  return (
    <Page
      bar={
        <div className={css['bar']}>
          <Link to="/namespaces/$ns/task-queues" params={{ ns }}>
            {s.title}
          </Link>
          <h1 className={css['name']}>{name}</h1>
          <Link to="/namespaces/$ns/workflows" params={{ ns }} search={{ q: `TaskQueue = ${quote(name)}` }}>
            {s.list}
          </Link>
          <Link to="/namespaces/$ns/workers" params={{ ns }} search={{ queue: name }}>
            {s.workers}
          </Link>
          {figures && (
            <span className={css['span']}>
              <span className="sk-dim">
                {s.plots.since} <Time at={figures.dataSince} /> {s.on}
              </span>
              <SegmentedControl
                aria-label={s.plots.span}
                value={span}
                onChange={setSpan}
                data={[
                  { value: 'hour', label: s.plots.hour },
                  { value: 'day', label: s.plots.day },
                ]}
              />
            </span>
          )}
        </div>
      }
    >
      {error && !data ? (
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      ) : (
        data && (
          <div className={css['grid']}>
            <Side {...side} title={s.workflowTasks} kind="FIGURE_KIND_WORKFLOW_QUEUE" detail={data.workflow ?? {}} />
            <Side {...side} title={s.activityTasks} kind="FIGURE_KIND_ACTIVITY_QUEUE" detail={data.activity ?? {}} />
          </div>
        )
      )}
    </Page>
  );
}
