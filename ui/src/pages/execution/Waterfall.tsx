/**
 * The waterfall: a column of names and, beside it, bars over one time axis. Rows are virtual; a row
 * computes what it draws when it comes into view. Zooming and moving change one window of time.
 */
import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { Category } from '@/model/events';
import { busyOf, idleGaps, TimeAxis } from '@/model/idle';
import { clockTicks, elapsedTicks, type Tick } from '@/model/time';
import {
  extentOf,
  gapsIn,
  pan,
  share,
  spanOf,
  splitLanes,
  ticksOf,
  zoom,
  type LaneKind,
  type Lanes,
  type TimelineContext,
  type TimeWindow,
} from '@/model/timeline';
import { executionStrings } from '@/strings/execution';
import { Axis } from './WaterfallAxis';
import { LaneRow, NoteRow, StepRow, type Row } from './WaterfallRow';
import { useChildren } from './waterfallRows';
import { isOpen, timelineContext, useRun, useTimelineContext } from './run';
import css from './Waterfall.module.css';

const s = executionStrings.timeline;
const laneKinds: readonly LaneKind[] = ['workflow', 'task', 'signal', 'marker'];

export interface WaterfallProps {
  nowMs: number;
  newestFirst: boolean;
  clock: boolean;
  utc: boolean;
  hidden: ReadonlySet<Category>;
  /** Few rows: as high as they are, with other things below. */
  short: boolean;
  window: TimeWindow | undefined;
  /** Without a window: shows the time of the rows in view, not of the whole run. */
  follow: boolean;
  /** What is shown at last and of what, for those who zoom. */
  shown: { current: { view: TimeWindow; extent: TimeWindow } };
  /** Long waits are drawn as gaps; onIdle hears whether there are any. */
  shorten: boolean;
  onIdle: (idle: boolean) => void;
  onWindow: (window: TimeWindow | undefined) => void;
  selected: string | undefined;
  onSelect: (key: string | undefined) => void;
}

const rowHeight = { wide: 28, narrow: 44 };

/** Keeps what is in view where it is when rows are added above it. */
function useAnchor(rows: readonly Row[], scroller: { current: HTMLElement | null }, height: number): void {
  const before = useRef<{ key: string; index: number } | undefined>(undefined);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const seen = before.current;
    if (seen && element.scrollTop > 0 && rows[seen.index]?.key !== seen.key) {
      const index = rows.findIndex((r) => r.key === seen.key);
      if (index >= 0) element.scrollTop += (index - seen.index) * height;
    }
    const remember = (): void => {
      const index = Math.floor(element.scrollTop / height);
      const row = rows[index];
      before.current = row ? { key: row.key, index } : undefined;
    };
    remember();
    element.addEventListener('scroll', remember, { passive: true });
    return () => element.removeEventListener('scroll', remember);
  }, [rows, height, scroller]);
}

/** Ctrl and wheel look closer at what is under the pointer; a horizontal wheel moves. */
function useWheel(
  scroller: { current: HTMLElement | null },
  view: TimeWindow,
  extent: TimeWindow,
  onWindow: (w: TimeWindow) => void,
): void {
  const latest = useRef({ view, extent, onWindow });
  latest.current = { view, extent, onWindow };
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      const now = latest.current;
      const lane = element.querySelector<HTMLElement>('[data-lanes]');
      if (!lane || (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY))) return;
      event.preventDefault();
      const box = lane.getBoundingClientRect();
      const span = now.view.toMs - now.view.fromMs;
      const at = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      now.onWindow(
        event.ctrlKey
          ? zoom(now.view, now.extent, Math.exp(event.deltaY / 300), now.view.fromMs + at * span)
          : pan(now.view, now.extent, event.deltaX / box.width),
      );
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [scroller]);
}

export function Waterfall(props: WaterfallProps) {
  const { nowMs, newestFirst, hidden, selected, onSelect, onWindow } = props;
  const { state } = useRun();
  const narrow = useMediaQuery('(max-width: 720px)') ?? false;
  const height = narrow ? rowHeight.narrow : rowHeight.wide;
  const scroller = useRef<HTMLDivElement>(null);
  const context = useTimelineContext(state, nowMs);
  const end = Number.isNaN(state.closeMs) ? context.nowMs : state.closeMs;
  const { lanes, rows: steps } = useMemo(
    () => splitLanes(state.log.steps(), hidden),
    // The log changes in place: its version says when.
    [state.log, state.version, hidden],
  );
  const children = useChildren(context.pending);
  const rows = useMemo(
    () => children.rows(steps, newestFirst, hidden),
    [children, steps, newestFirst, hidden],
  );
  const unfolds = useMemo(() => rows.some((row) => row.kind === 'step' && row.child !== undefined), [rows]);
  const axis = useIdle(rows, lanes, context, end, props);
  const extent = useMemo(() => extentOf(context.startMs, end, axis), [context.startMs, end, axis]);
  useAnchor(rows, scroller, height);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 6,
    useFlushSync: false,
    getItemKey: (i) => rows[i]?.key ?? i,
  });
  useEffect(() => virtual.measure(), [virtual, height]);
  const range = virtual.range;
  const view = useMemo(() => {
    if (props.window) return { ...props.window, axis };
    if (!props.follow || !range) return extent;
    const seen = rows.slice(range.startIndex, range.endIndex + 1);
    return spanOf(seen.flatMap((r) => (r.kind === 'step' && !r.state ? [r.step] : [])), context, extent);
  }, [props.window, props.follow, range?.startIndex, range?.endIndex, rows, context, extent, axis]);
  props.shown.current = { view, extent };
  useWheel(scroller, view, extent, onWindow);
  const ticks = ticksOf(view, narrow ? 3 : 8, (fromMs, toMs, countMax) =>
    props.clock
      ? clockTicks(fromMs, toMs, countMax, props.utc)
      : elapsedTicks(context.startMs, fromMs, toMs, countMax),
  );
  const { active, setActive, onKeyDown } = useRowKeys(rows, selected, onSelect, children.toggle, (i) =>
    virtual.scrollToIndex(i),
  );
  const latest = useRef({ selected, onSelect });
  latest.current = { selected, onSelect };
  // Stable, so that rows which scroll along are not made anew.
  const open = useCallback(
    (key: string) => {
      setActive(key);
      latest.current.onSelect(latest.current.selected === key ? undefined : key);
    },
    [setActive],
  );
  const firstMs = state.log.at(0)?.timeMs ?? NaN;
  return (
    <div ref={scroller} className={css['scroller']} data-short={props.short || undefined}>
      <div className={css['top']}>
        <Axis
          ticks={ticks}
          view={view}
          extent={extent}
          onWindow={onWindow}
          rows={steps.length}
        />
        {laneKinds
          .filter((kind) => lanes[kind].length > 0)
          .map((kind) => (
            <LaneRow key={kind} kind={kind} steps={lanes[kind]} view={view} context={context} selected={selected} onSelect={onSelect} />
          ))}
      </div>
      <div
        className={css['rows']}
        role="treegrid"
        tabIndex={rows.length > 0 ? 0 : -1}
        aria-label={s.label}
        aria-rowcount={rows.length}
        aria-activedescendant={active ? rowId(active) : undefined}
        onKeyDown={onKeyDown}
        style={{ height: virtual.getTotalSize() }}
      >
        <Grid ticks={ticks} view={view} firstMs={state.log.complete ? NaN : firstMs} nowMs={isOpen(state) ? context.nowMs : NaN} />
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          if (row.kind === 'note') {
            const place = { top: item.start, height };
            return <NoteRow key={row.key} row={row} place={place} index={item.index} />;
          }
          return (
            <StepRow
              key={row.key}
              row={row}
              id={rowId(row.key)}
              index={item.index}
              top={item.start}
              height={height}
              view={view}
              nowMs={row.state ? nowMs : 0}
              context={context}
              active={active === row.key}
              selected={selected === row.key}
              unfolds={unfolds}
              onOpen={open}
              onToggle={children.toggle}
            />
          );
        })}
      </div>
    </div>
  );
}

/** So many rows of an open run are looked through each second, to find what is idle. */
const idleRowsMax = 5000;

/** An axis that squeezes what is idle, if that is wanted and there is any. */
function useIdle(
  rows: readonly Row[],
  lanes: Lanes['lanes'],
  context: TimelineContext,
  end: number,
  { nowMs, shorten, onIdle }: WaterfallProps,
): TimeAxis | undefined {
  const { state } = useRun();
  const ready = state.log.complete || state.loading === 'done';
  const open = isOpen(state);
  const second = open ? Math.floor(end / 1000) : end;
  const gaps = useMemo(() => {
    if (!ready || (open && rows.length > idleRowsMax)) return [];
    const busy = [
      ...laneKinds.flatMap((kind) => lanes[kind].flatMap((step) => busyOf(step, context))),
      ...rows.flatMap((r) =>
        r.kind === 'step' ? busyOf(r.step, r.state ? timelineContext(r.state, nowMs) : context) : [],
      ),
    ];
    return idleGaps(busy, context.startMs, end);
    // The rest of the context changes with these.
  }, [ready, open, rows, lanes, second]);
  const idle = gaps.length > 0;
  useEffect(() => onIdle(idle), [idle, onIdle]);
  return useMemo(() => {
    const last = gaps.at(-1);
    if (!shorten || !last) return undefined;
    // What waits now goes on waiting, also between two looks.
    const goesOn = open && last.toMs >= second * 1000;
    return new TimeAxis(goesOn ? [...gaps.slice(0, -1), { ...last, toMs: Math.max(last.toMs, end) }] : gaps);
  }, [shorten, gaps, open, second, end]);
}

function rowId(key: string): string {
  return `row-${key.replace(/[^\w-]/g, '_')}`;
}

interface RowKeys {
  active: string | undefined;
  setActive: (key: string) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

function useRowKeys(
  rows: readonly Row[],
  selected: string | undefined,
  onSelect: (key: string | undefined) => void,
  toggle: (key: string) => void,
  reveal: (index: number) => void,
): RowKeys {
  const [active, setActive] = useState<string>();
  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      const at = rows.findIndex((r) => r.key === (active ?? selected));
      const row = rows[at];
      const go = (index: number): void => {
        const to = rows[Math.min(Math.max(index, 0), rows.length - 1)];
        if (!to) return;
        setActive(to.key);
        reveal(Math.min(Math.max(index, 0), rows.length - 1));
        if (selected) onSelect(to.key);
      };
      const moves: Record<string, () => void> = {
        ArrowDown: () => go(at + 1),
        ArrowUp: () => go(at - 1),
        PageDown: () => go(at + 20),
        PageUp: () => go(at - 20),
        Home: () => go(0),
        End: () => go(rows.length - 1),
        Enter: () => row && onSelect(selected === row.key ? undefined : row.key),
        Escape: () => onSelect(undefined),
        ArrowRight: () => row?.kind === 'step' && row.child && !row.expanded && toggle(row.key),
        ArrowLeft: () => row?.kind === 'step' && row.expanded && toggle(row.key),
      };
      const move = moves[event.key];
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      move();
    },
    [rows, active, selected, onSelect, toggle, reveal],
  );
  return { active, setActive, onKeyDown };
}

/** Lines of the ticks behind the bars, the present, and the part that is not loaded yet. */
function Grid(props: { ticks: readonly Tick[]; view: TimeWindow; firstMs: number; nowMs: number }) {
  const { ticks, view, firstMs, nowMs } = props;
  const missing = Number.isNaN(firstMs) ? 0 : Math.min(Math.max(share(firstMs, view), 0), 1);
  const now = Number.isNaN(nowMs) ? -1 : share(nowMs, view);
  return (
    <div className={css['grid']} data-lanes aria-hidden="true">
      {missing > 0 && (
        <div className={css['missing']} style={{ width: `${missing * 100}%` }} title={s.loadingOlder} />
      )}
      {gapsIn(view).map(({ gap, from, to }) => (
        <div key={gap.fromMs} className={css['gap']} style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />
      ))}
      {ticks.map((tick) => (
        <div key={tick.ms} className={css['line']} style={{ left: `${share(tick.ms, view) * 100}%` }} />
      ))}
      {now >= 0 && now <= 1 && <div className={css['now']} style={{ left: `${now * 100}%` }} />}
    </div>
  );
}

