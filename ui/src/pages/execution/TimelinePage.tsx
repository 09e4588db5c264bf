import { ActionIcon, Checkbox, SegmentedControl, Tooltip } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useRef, useState } from 'react';
import type { TimelineSearch } from '@/app/router';
import { useSettings } from '@/app/settings';
import { useShortcuts } from '@/app/shortcuts';
import { EmptyState, ErrorPanel, Panel } from '@/design/parts';
import { extentOf, pan, zoom, type SegmentKind, type TimeWindow } from '@/model/timeline';
import { shortcutGroups } from '@/strings/shell';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { Input, Outcome } from './InputPage';
import { CategoryMenu } from './parts/CategoryMenu';
import { FailureView } from './parts/Failure';
import { Progress } from './parts/Progress';
import { SelectedStep } from './parts/SelectedStep';
import { isOpen, timelineContext, useRun, useTick } from './run';
import { hiddenOf, type ViewProps } from './search';
import { Waterfall } from './Waterfall';
import css from './TimelinePage.module.css';

const s = executionStrings.timeline;
const route = getRouteApi('/namespaces/$ns/workflows/$workflowId/$runId/timeline');
const legend: readonly SegmentKind[] = ['queue', 'run', 'retryWait', 'timer'];

/** A short history reads from its beginning, a long one from its end. */
const shortMax = 256;

/** With no more steps than this there is room below them for what went in and what came out. */
const belowMax = 24;

/** How often bars grow: a run of seconds smoothly, one of days each second. */
function tickMs(spanMs: number): number {
  return spanMs < 60_000 ? 250 : 1000;
}

export function TimelinePage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: Partial<Record<keyof TimelineSearch, string | undefined>>): void => {
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  };
  return <TimelineView search={search} set={set} />;
}

/** The timeline of a run of the server or of a file; what is chosen is kept by who shows it. */
export function TimelineView(props: ViewProps<TimelineSearch>) {
  const { search, set } = props;
  const { state } = useRun();
  const { times } = useSettings();
  const [view, setView] = useState<TimeWindow>();
  const open = isOpen(state);
  const nowMs = useTick(tickMs(Date.now() - state.startMs), open);
  const hidden = useMemo(() => hiddenOf(search.hide), [search.hide]);
  const newestFirst = search.order ? search.order === 'newest' : state.total > shortMax;
  const context = timelineContext(state, nowMs);
  const extent = extentOf(context.startMs, open ? context.nowMs : state.closeMs);
  const shown = useRef({ view: extent, extent });
  const [idle, setIdle] = useState(false);
  const shorten = search.waits === 'short';
  const follow = search.span ? search.span === 'rows' : state.total > shortMax;
  const zoomBy = (factor: number): void => {
    const { view: now, extent: all } = shown.current;
    setView(zoom(now, all, factor, (now.fromMs + now.toMs) / 2));
  };
  const panBy = (part: number): void => setView(pan(shown.current.view, shown.current.extent, part));
  const fit = (): void => setView(undefined);
  const setShorten = (on: boolean): void => {
    setView(undefined);
    set({ waits: on ? 'short' : undefined });
  };
  useShortcuts([
    { keys: '+', does: s.zoomIn, group: shortcutGroups.run, run: () => zoomBy(0.5) },
    { keys: '-', does: s.zoomOut, group: shortcutGroups.run, run: () => zoomBy(2) },
    { keys: '0', does: s.fit, group: shortcutGroups.run, run: fit },
    { keys: '[', does: s.left, group: shortcutGroups.run, run: () => panBy(-0.25) },
    ...(idle ? [{ keys: 'w', does: s.shorten, group: shortcutGroups.run, run: () => setShorten(!shorten) }] : []),
    { keys: ']', does: s.right, group: shortcutGroups.run, run: () => panBy(0.25) },
  ]);
  const short = state.log.complete && state.log.steps().length <= belowMax;
  return (
    <div className={css['page']}>
      <div className={css['bar']}>
        <div className={css['zoom']}>
          <Tool label={s.zoomOut} keys="−" text="−" onClick={() => zoomBy(2)} />
          <Tool label={s.zoomIn} keys="+" text="+" onClick={() => zoomBy(0.5)} />
        </div>
        <SegmentedControl
          aria-label={s.span}
          value={view ? '' : follow ? 'rows' : 'all'}
          data={[
            { value: 'all', label: s.wholeRun },
            { value: 'rows', label: s.rowsInView },
          ]}
          onChange={(span) => {
            setView(undefined);
            set({ span });
          }}
        />
        <SegmentedControl
          className={css['wide'] ?? ''}
          aria-label={s.axis}
          value={search.axis === 'clock' ? 'clock' : 'elapsed'}
          data={[
            { value: 'elapsed', label: s.elapsed },
            { value: 'clock', label: s.clock },
          ]}
          onChange={(value) => set({ axis: value === 'clock' ? 'clock' : undefined })}
        />
        <SegmentedControl
          aria-label={s.order}
          value={newestFirst ? 'newest' : 'oldest'}
          data={[
            { value: 'oldest', label: s.oldestFirst },
            { value: 'newest', label: s.newestFirst },
          ]}
          onChange={(order) => set({ order })}
        />
        {idle && (
          <Tooltip label={s.shortenHint}>
            <Checkbox label={s.shorten} checked={shorten} onChange={(e) => setShorten(e.currentTarget.checked)} />
          </Tooltip>
        )}
        <CategoryMenu hidden={hidden} onHide={(hide) => set({ hide: hide || undefined })} />
        <Progress />
        <ul className={css['legend']} aria-label={s.legend}>
          {legend.map((kind) => (
            <li key={kind}>
              <span className={css['swatch']} data-kind={kind} aria-hidden="true" />
              {s.segments[kind]}
            </li>
          ))}
        </ul>
      </div>
      <div className={css['body']}>
        <div className={css['main']}>
        <Content empty={state.log.size > 0 && state.loading === 'done' && state.log.steps().length === 0}>
          <Waterfall
            nowMs={nowMs}
            newestFirst={newestFirst}
            clock={search.axis === 'clock'}
            utc={times === 'utc'}
            hidden={hidden}
            short={short}
            window={view}
            follow={follow}
            shown={shown}
            shorten={shorten}
            onIdle={setIdle}
            onWindow={setView}
            selected={search.step}
            onSelect={(key) => set({ step: key })}
          />
        </Content>
        {short && <Below />}
        </div>
        {search.step && (
          <SelectedStep path={search.step.split('/')} nowMs={nowMs} onClose={() => set({ step: undefined })} />
        )}
      </div>
    </div>
  );
}

/** What went in, and what came out or why it did not. */
function Below() {
  const { state } = useRun();
  const failing = state.describe?.pendingActivities?.find((a) => a.lastFailure);
  return (
    <div className={css['below']}>
      <Panel title={executionStrings.input.input}>
        <Input />
      </Panel>
      {isOpen(state) && failing?.lastFailure ? (
        <Panel title={`${executionStrings.details.lastFailure} · ${failing.activityType?.name ?? ''}`}>
          <FailureView failure={failing.lastFailure} />
        </Panel>
      ) : (
        <Panel title={executionStrings.input.result}>
          <Outcome />
        </Panel>
      )}
    </div>
  );
}

function Content({ empty, children }: { empty: boolean; children: React.ReactNode }) {
  const { state, store } = useRun();
  if (state.historyError && state.log.size === 0) {
    return <ErrorPanel error={state.historyError} onRetry={() => store.refresh()} />;
  }
  if (state.log.size === 0) return <p className={css['loading']}>{strings.common.loading}</p>;
  if (empty) return <EmptyState title={s.empty}>{s.emptyText}</EmptyState>;
  return <>{children}</>;
}

function Tool(props: { label: string; keys: string; text: string; onClick: () => void; disabled?: boolean }) {
  return (
    <Tooltip label={`${props.label} (${props.keys})`}>
      <ActionIcon aria-label={props.label} onClick={props.onClick} disabled={props.disabled ?? false}>
        {props.text}
      </ActionIcon>
    </Tooltip>
  );
}

