/** The history as rows: a step or an event each. Newest page first, the rest as it arrives. */
import { Button, Checkbox, SegmentedControl, TextInput, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { HistorySearch } from '@/app/router';
import { useShortcuts } from '@/app/shortcuts';
import { EmptyState, ErrorPanel } from '@/design/parts';
import { matcher } from '@/model/filter';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { shortcutGroups } from '@/strings/shell';
import { HistoryRow } from './HistoryRow';
import { keyOf, useHistoryList, type HistoryList } from './historyList';
import { CategoryMenu } from './parts/CategoryMenu';
import { DownloadButton } from './parts/DownloadButton';
import { Progress } from './parts/Progress';
import { isOpen, useRun, useTick, useTimelineContext } from './run';
import { hiddenOf, type ViewProps } from './search';
import css from './HistoryPage.module.css';

const s = executionStrings.history;
const route = getRouteApi('/namespaces/$ns/workflows/$workflowId/$runId/history');

export function HistoryPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: Partial<Record<keyof HistorySearch, string | undefined>>): void => {
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  };
  return <HistoryView search={search} set={set} />;
}

/** The history of a run of the server or of a file. */
export function HistoryView({ search, set }: ViewProps<HistorySearch>) {
  const { state } = useRun();
  const [text, setText] = useState(search.q ?? '');
  const input = useRef<HTMLInputElement>(null);
  const full = search.rows === 'all';
  const hidden = useMemo(() => hiddenOf(search.hide), [search.hide]);
  const wanted = useDeferredValue(text);
  const list = useHistoryList({ full, text: wanted, hidden, troubled: search.trouble === '1' });
  useEffect(() => {
    const timer = setTimeout(() => {
      if ((search.q ?? '') !== wanted) set({ q: wanted || undefined });
    }, 400);
    return () => clearTimeout(timer);
  });
  useShortcuts([
    { keys: '/', does: s.filterLabel, group: shortcutGroups.run, run: () => input.current?.focus() },
    { keys: 'e', does: s.full, group: shortcutGroups.run, run: () => set({ rows: full ? undefined : 'all', event: undefined }) },
  ]);
  const newestFirst = search.order !== 'oldest';
  const bad = matcher(wanted).error;
  return (
    <div className={css['page']}>
      <div className={css['bar']}>
        <TextInput
          ref={input}
          className={css['filter'] ?? ''}
          aria-label={s.filterLabel}
          placeholder={s.filter}
          value={text}
          error={bad ? s.badExpression(bad) : undefined}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label={s.mode}
          value={full ? 'all' : 'compact'}
          data={[
            { value: 'compact', label: s.compact },
            { value: 'all', label: s.full },
          ]}
          onChange={(rows) => set({ rows: rows === 'all' ? 'all' : undefined, event: undefined })}
        />
        <SegmentedControl
          aria-label={executionStrings.timeline.order}
          value={newestFirst ? 'newest' : 'oldest'}
          data={[
            { value: 'newest', label: executionStrings.timeline.newestFirst },
            { value: 'oldest', label: executionStrings.timeline.oldestFirst },
          ]}
          onChange={(order) => set({ order: order === 'oldest' ? order : undefined })}
        />
        <CategoryMenu hidden={hidden} onHide={(hide) => set({ hide: hide || undefined })} />
        <Tooltip label={s.troubledHint}>
          <Checkbox
            label={s.troubled}
            checked={search.trouble === '1'}
            onChange={(event) => set({ trouble: event.currentTarget.checked ? '1' : undefined })}
          />
        </Tooltip>
        <span className={css['found']} role="status">
          {list.share < 1
            ? s.searching(Math.floor(list.share * 100))
            : list.filtered && s.found(list.length, list.of)}
        </span>
        <Progress />
        <span className={css['right']}>
          <DownloadButton />
        </span>
      </div>
      <Content
        list={list}
        newestFirst={newestFirst}
        event={search.event}
        onOpen={(event) => set({ event })}
        onClear={() => {
          setText('');
          set({ q: undefined, hide: undefined, trouble: undefined });
        }}
      />
      {state.log.size === 0 && !state.historyError && <p className={css['loading']}>{strings.common.loading}</p>}
    </div>
  );
}

function Content(props: {
  list: HistoryList;
  newestFirst: boolean;
  event: string | undefined;
  onOpen: (event: string | undefined) => void;
  onClear: () => void;
}) {
  const { state, store } = useRun();
  if (state.historyError && state.log.size === 0) {
    return <ErrorPanel error={state.historyError} onRetry={() => store.refresh()} />;
  }
  if (props.list.length === 0 && props.list.share === 1 && state.log.size > 0) {
    return (
      <EmptyState title={s.nothing} icon="search">
        {state.loading === 'done' ? null : <p>{s.nothingText}</p>}
        <Button onClick={props.onClear}>{s.clear}</Button>
      </EmptyState>
    );
  }
  return <Rows {...props} />;
}

const rowHeight = { wide: 28, narrow: 46 };

function Rows(props: {
  list: HistoryList;
  newestFirst: boolean;
  event: string | undefined;
  onOpen: (event: string | undefined) => void;
}) {
  const { list, newestFirst, event, onOpen } = props;
  const { state } = useRun();
  const scroller = useRef<HTMLDivElement>(null);
  const narrow = useMediaQuery('(max-width: 720px)') ?? false;
  const height = narrow ? rowHeight.narrow : rowHeight.wide;
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set(event ? [event] : []));
  const [active, setActive] = useState<string | undefined>(event);
  const nowMs = useTick(1000, isOpen(state));
  const context = useTimelineContext(state, nowMs);
  const itemAt = (index: number) => list.at(newestFirst ? list.length - 1 - index : index);
  const indexOf = (key: string): number => {
    const at = list.indexOf(key);
    return at < 0 ? -1 : newestFirst ? list.length - 1 - at : at;
  };
  const virtual = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 6,
    useFlushSync: false,
    getItemKey: (index) => {
      const item = itemAt(index);
      return item ? keyOf(item) : index;
    },
  });
  useEffect(() => virtual.measure(), [virtual, height]);
  useKeptPlace(scroller, list, newestFirst, height, itemAt);
  // An event that the address names is shown once it is loaded; after that the reader scrolls.
  const shown = useRef('');
  useEffect(() => {
    if (!event || shown.current === event) return;
    const index = indexOf(event);
    if (index < 0) return;
    shown.current = event;
    setOpened((before) => new Set(before).add(event));
    setActive(event);
    virtual.scrollToIndex(index, { align: 'center' });
  });
  // Only open rows are measured: asking the page for the height of every row that scrolls in is dear.
  const shut = (key: string): void => virtual.resizeItem(indexOf(key), height);
  const latest = useRef({ opened, onOpen, shut });
  latest.current = { opened, onOpen, shut };
  // Stable, so that rows which scroll along are not made anew.
  const toggle = useCallback((key: string): void => {
    shown.current = key;
    const next = new Set(latest.current.opened);
    if (next.delete(key)) latest.current.shut(key);
    else next.add(key);
    setOpened(next);
    setActive(key);
    latest.current.onOpen(next.has(key) ? key : undefined);
  }, []);
  const onKeyDown = (press: KeyboardEvent): void => {
    if (press.ctrlKey || press.metaKey || press.altKey || press.target !== press.currentTarget) return;
    const at = active === undefined ? -1 : indexOf(active);
    const go = (index: number): void => {
      const to = Math.min(Math.max(index, 0), list.length - 1);
      const item = itemAt(to);
      if (item) setActive(keyOf(item));
      virtual.scrollToIndex(to);
    };
    const moves: Record<string, () => void> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      PageDown: () => go(at + 20),
      PageUp: () => go(at - 20),
      Home: () => go(0),
      End: () => go(list.length - 1),
      Enter: () => active !== undefined && toggle(active),
      ' ': () => active !== undefined && toggle(active),
    };
    const move = moves[press.key];
    if (!move) return;
    press.preventDefault();
    move();
  };
  const columns = s.columns;
  return (
    <div ref={scroller} className={css['scroller']}>
      <div className={css['head']} aria-hidden="true">
        <span className="sk-num">{columns.id}</span>
        <span>{columns.time}</span>
        <span>{columns.what}</span>
        <span>{columns.detail}</span>
        <span className="sk-num">{columns.took}</span>
      </div>
      <div
        role="treegrid"
        tabIndex={0}
        aria-label={s.label}
        aria-rowcount={list.length}
        aria-activedescendant={active === undefined ? undefined : rowId(active)}
        className={css['rows']}
        onKeyDown={onKeyDown}
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map((place) => {
          const item = itemAt(place.index);
          if (!item) return null;
          const key = keyOf(item);
          return (
            <HistoryRow
              key={key}
              id={rowId(key)}
              item={item}
              index={place.index}
              top={place.start}
              measure={opened.has(key) ? virtual.measureElement : null}
              context={context}
              open={opened.has(key)}
              active={active === key}
              onToggle={toggle}
            />
          );
        })}
      </div>
    </div>
  );
}

function rowId(key: string): string {
  return `event-${key.replace(/[^\w-]/g, '_')}`;
}

/** What is in view stays there when rows are added above it. */
function useKeptPlace(
  scroller: { current: HTMLElement | null },
  list: HistoryList,
  newestFirst: boolean,
  height: number,
  itemAt: (index: number) => ReturnType<HistoryList['at']>,
): void {
  const before = useRef<{ first: string; count: number } | undefined>(undefined);
  const first = itemAt(0);
  const key = first ? keyOf(first) : '';
  useEffect(() => {
    const seen = before.current;
    before.current = { first: key, count: list.length };
    const element = scroller.current;
    if (!element || !seen || seen.first === key || element.scrollTop === 0) return;
    const at = list.indexOf(seen.first);
    const index = at < 0 ? -1 : newestFirst ? list.length - 1 - at : at;
    if (index > 0) element.scrollTop += index * height;
  }, [key, list, newestFirst, height, scroller]);
}
