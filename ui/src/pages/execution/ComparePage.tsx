import { Button, Checkbox, TextInput } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState, type FormEvent } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { describeRun, findRuns, quoted, type RunId } from '@/api/executions';
import { Icon } from '@/design/icons';
import { ErrorPanel, Panel } from '@/design/parts';
import { StateBadge } from '@/design/StateBadge';
import { stepStates, workflowState } from '@/design/states';
import { Duration, Time } from '@/design/Time';
import { compareRuns, type ComparedRow } from '@/model/compare';
import { stepDetail, stepName } from '@/model/describe';
import { sameRun } from '@/model/family';
import type { Step } from '@/model/history';
import { readings } from '@/model/payloads';
import type { ExecutionInfo } from '@/model/proto';
import { spanWords } from '@/model/time';
import { stepBar, type TimelineContext } from '@/model/timeline';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { RunLink } from './parts/Attributes';
import { stepPayloads, useDecoding } from './parts/codec';
import { StepDetails } from './parts/StepDetails';
import { RunContext, timelineContext, useRun, useRunStore, type Run } from './run';
import { runStore } from './runStore';
import css from './ComparePage.module.css';

const s = executionStrings.compare;
const route = getRouteApi('/namespaces/$ns/workflows/$workflowId/$runId/compare');
const candidatesMax = 20;
/** So many payloads are decoded to be compared; beyond that equal ones may be told apart by their encoding. */
const decodedMax = 2000;

export function ComparePage() {
  const { id } = useRun();
  const { with: workflowId, run: runId } = route.useSearch();
  const navigate = route.useNavigate();
  if (!id) return null;
  const choose = (other: { workflowId: string; runId: string } | undefined): void => {
    void navigate({ search: other ? { with: other.workflowId, run: other.runId } : {} });
  };
  if (!workflowId || !runId) return <Choose id={id} onChoose={choose} />;
  return <Compared other={{ ns: id.ns, workflowId, runId }} onLeave={() => choose(undefined)} />;
}

function Choose({ id, onChoose }: { id: RunId; onChoose: (other: { workflowId: string; runId: string }) => void }) {
  const { state } = useRun();
  const info = state.describe?.workflowExecutionInfo;
  const type = info?.type?.name ?? '';
  const [workflowId, setWorkflowId] = useState('');
  const [runId, setRunId] = useState('');
  const [error, setError] = useState<unknown>();
  const candidates = useQuery({
    queryKey: ['candidates', id.ns, type, id.workflowId],
    queryFn: async ({ signal }) => {
      const [same, good, latest] = await Promise.all([
        findRuns(id.ns, `WorkflowId = ${quoted(id.workflowId)}`, candidatesMax, signal),
        findRuns(id.ns, `WorkflowType = ${quoted(type)} AND ExecutionStatus = 'Completed'`, candidatesMax / 2, signal),
        findRuns(id.ns, `WorkflowType = ${quoted(type)}`, candidatesMax, signal),
      ]);
      const all = new Map<string, { run: ExecutionInfo; why: string }>();
      const add = (run: ExecutionInfo, why: string): void => {
        const key = run.execution?.runId ?? '';
        if (!sameRun(run.execution, id) && !all.has(key)) all.set(key, { run, why });
      };
      same.runs.forEach((r) => add(r, s.sameId));
      good.runs.forEach((r, i) => add(r, i === 0 ? s.lastGood : ''));
      latest.runs.forEach((r) => add(r, ''));
      return [...all.values()];
    },
    enabled: type !== '',
  });
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      const found = await describeRun({ ns: id.ns, workflowId: workflowId.trim(), runId: runId.trim() });
      const e = found.workflowExecutionInfo?.execution;
      onChoose({ workflowId: e?.workflowId ?? '', runId: e?.runId ?? '' });
    } catch (reason) {
      setError(reason);
    }
  };
  return (
    <div className={css['choose']}>
      <Panel title={s.with}>
        <form className={css['form']} onSubmit={(event) => void submit(event)}>
          <TextInput label={s.other} value={workflowId} onChange={(e) => setWorkflowId(e.currentTarget.value)} />
          <TextInput label={s.runId} value={runId} onChange={(e) => setRunId(e.currentTarget.value)} />
          <Button type="submit" variant="filled" disabled={workflowId.trim() === ''}>
            {s.go}
          </Button>
        </form>
        {error !== undefined && <ErrorPanel error={error} />}
      </Panel>
      <Panel title={s.candidates}>
        {candidates.isError && <ErrorPanel error={candidates.error} onRetry={() => void candidates.refetch()} />}
        {candidates.isPending && <p className="sk-dim">{strings.common.loading}</p>}
        {candidates.data?.length === 0 && <p className="sk-dim">{s.none}</p>}
        <ul className={css['candidates']}>
          {candidates.data?.map(({ run, why }) => (
            <li key={run.execution?.runId}>
              <button
                type="button"
                className={css['candidate']}
                onClick={() =>
                  onChoose({ workflowId: run.execution?.workflowId ?? '', runId: run.execution?.runId ?? '' })
                }
              >
                <StateBadge state={workflowState(run.status)} />
                <span className={css['candidateId']}>{run.execution?.workflowId}</span>
                <span className="sk-dim">{why}</span>
                <span className={css['candidateTime']}>
                  <Duration from={run.startTime} {...(run.closeTime ? { to: run.closeTime } : {})} /> <Time at={run.startTime} />
                </span>
              </button>
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}

function Compared({ other, onLeave }: { other: RunId; onLeave: () => void }) {
  const mine = useRun();
  const otherId = useMemo(() => other, [other.ns, other.workflowId, other.runId]);
  const store = useMemo(() => runStore(otherId), [otherId]);
  const state = useRunStore(store);
  const theirs = useMemo<Run>(() => ({ store, state, id: otherId }), [store, state, otherId]);
  const [only, setOnly] = useState(false);
  const both = useMemo(
    () => [...mine.state.log.steps(), ...state.log.steps()].flatMap(stepPayloads).slice(0, decodedMax),
    [mine.state.log, mine.state.version, state.log, state.version],
  );
  useDecoding(() => both);
  const read = readings();
  const loaded = mine.state.log.complete && state.log.complete;
  const result = useMemo(
    () => (loaded ? compareRuns(mine.state.log.steps(), state.log.steps()) : undefined),
    [loaded, mine.state.log, mine.state.version, state.log, state.version, read],
  );
  const error = state.error ?? state.historyError;
  const count = result?.rows.filter((r) => r.differences.length > 0).length ?? 0;
  return (
    <div className={css['page']}>
      <div className={css['bar']}>
        <strong>{result ? (count === 0 ? s.same : s.differences(count)) : ''}</strong>
        {result && result.first >= 0 && <span className="sk-dim">{s.firstDifference(result.first + 1)}</span>}
        {result?.cut && <span className="sk-tone-amber">{s.cut}</span>}
        {!result && !error && (
          <span className="sk-dim">
            {s.loading(mine.state.log.size + state.log.size, mine.state.total + state.total)}
          </span>
        )}
        {count > 0 && <Checkbox label={s.onlyDifferences} checked={only} onChange={(e) => setOnly(e.currentTarget.checked)} />}
        <Button className={css['leave'] ?? ''} onClick={onLeave} leftSection={<Icon name="left" />}>
          {s.choose}
        </Button>
      </div>
      {error !== undefined && <ErrorPanel error={error} onRetry={() => store.refresh()} />}
      {result && <Rows rows={only ? result.rows.filter((r) => r.differences.length > 0) : result.rows} left={mine} right={theirs} first={result.rows[result.first]} />}
    </div>
  );
}

function Head({ run, title }: { run: Run; title: string }) {
  const info = run.state.describe?.workflowExecutionInfo;
  return (
    <div className={css['side']}>
      <span className="sk-dim">{title}</span>
      {info && <StateBadge state={workflowState(info.status)} />}
      <span className={css['sideId']}>
        <RunLink workflowId={run.id?.workflowId ?? ''} runId={run.id?.runId ?? ''} />
      </span>
      <Duration from={run.state.startMs} {...(Number.isNaN(run.state.closeMs) ? {} : { to: run.state.closeMs })} />
    </div>
  );
}

const contextPx = 90;

const keyOf = (row: ComparedRow): string => `${row.left?.key ?? ''} ${row.right?.key ?? ''}`;

function Rows(props: { rows: readonly ComparedRow[]; left: Run; right: Run; first: ComparedRow | undefined }) {
  const { rows, left, right, first } = props;
  const scroller = useRef<HTMLDivElement>(null);
  // Below each other the sides take as many lines as they need.
  const narrow = useMediaQuery('(max-width: 720px)') ?? false;
  // By what it compares: rows are made anew when a payload is decoded.
  const [open, setOpen] = useState(() => first && keyOf(first));
  const nowMs = Date.now();
  const a = timelineContext(left.state, nowMs);
  const b = timelineContext(right.state, nowMs);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? 58 : 30),
    overscan: 12,
  });
  const jumped = useRef(false);
  useEffect(() => {
    const index = first ? rows.indexOf(first) : -1;
    if (jumped.current || index < 0) return;
    jumped.current = true;
    // Its first line, below what is alike before it: opened, the row may be higher than the page.
    const [offset] = virtual.getOffsetForIndex(index, 'start') ?? [0];
    virtual.scrollToOffset(Math.max(offset - contextPx, 0));
  }, [first, rows, virtual]);
  return (
    <div ref={scroller} className={css['scroller']}>
      <div className={css['heads']}>
        <Head run={left} title={s.left} />
        <Head run={right} title={s.right} />
      </div>
      <div className={css['rows']} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const expanded = open === keyOf(row);
          return (
            <div
              key={item.key}
              ref={expanded || narrow ? virtual.measureElement : null}
              data-index={item.index}
              className={css['row']}
              data-different={row.differences.length > 0 || undefined}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <button type="button" className={css['line']} aria-expanded={expanded} onClick={() => {
                  const before = rows.findIndex((r) => keyOf(r) === open);
                  if (before >= 0 && !narrow) virtual.resizeItem(before, 30);
                  setOpen(expanded ? undefined : keyOf(row));
                }}>
                <Side step={row.left} context={a} />
                <Side step={row.right} context={b} differences={row} />
              </button>
              {expanded && (
                <div className={css['open']}>
                  <RunContext value={left}>
                    <div>
                      <h3 className={css['whose']}>{s.left}</h3>
                      {row.left && <StepDetails step={row.left} context={a} heading={false} />}
                    </div>
                  </RunContext>
                  <RunContext value={right}>
                    <div>
                      <h3 className={css['whose']}>{s.right}</h3>
                      {row.right && <StepDetails step={row.right} context={b} heading={false} />}
                    </div>
                  </RunContext>
                </div>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Side(props: { step: Step | undefined; context: TimelineContext; differences?: ComparedRow }) {
  const { step, context, differences } = props;
  const chips = differences?.differences ?? [];
  const outcome = step?.outcome;
  const bar = step && stepBar(step, context);
  return (
    <span className={css['cell']}>
      {step ? (
        <>
          {outcome ? <StateBadge state={stepStates[outcome]} iconOnly /> : <span className={css['blank']} />}
          <span className={css['name']}>{stepName(step)}</span>
          <span className={css['detail']}>{stepDetail(step)}</span>
          {bar && bar.toMs > bar.fromMs && <span className={css['took']}>{spanWords(bar.toMs - bar.fromMs)}</span>}
        </>
      ) : (
        <span className="sk-dim">–</span>
      )}
      {chips.map((d) => (
        <span key={d} className={css['chip']}>
          {s.what[d]}
        </span>
      ))}
    </span>
  );
}
