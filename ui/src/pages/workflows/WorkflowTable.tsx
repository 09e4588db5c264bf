import { Checkbox } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type MouseEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { ariaSort, SortButton } from '@/design/ordered';
import { StateBadge } from '@/design/StateBadge';
import { workflowState } from '@/design/states';
import { Duration, Time } from '@/design/Time';
import { type Column, isNumeric } from '@/model/columns';
import { rowKey } from '@/model/live-list';
import type { ExecutionInfo } from '@/model/proto';
import { strings } from '@/strings';
import { shortcutGroups } from '@/strings/shell';
import { useShortcuts } from '@/app/shortcuts';
import { Cell, RunLink } from './Cell';
import css from './WorkflowTable.module.css';

const s = strings.workflows;
const rowPx = 28;
const narrowRowPx = 50;
const nearEnd = 30; // rows before the end at which more are asked for

/** Whether a row is two lines, without heads of columns. */
export const useNarrow = () => useMediaQuery('(max-width: 720px)', undefined, { getInitialValueInEffect: false });

export interface TableProps {
  ns: string;
  rows: readonly ExecutionInfo[];
  columns: readonly Column[];
  sort: string;
  onSort: (sort: string) => void;
  /** Whether the server can sort by a column. */
  sortable: (column: Column) => boolean;
  selected: ReadonlySet<string>;
  onSelect: (keys: readonly string[], on: boolean) => void;
  onHold: (held: boolean) => void;
  onEnd: () => void;
  /** Rows that are shown in their place and match no more. */
  left: ReadonlySet<string> | undefined;
  total: number | undefined;
  /** Which list it is: another one begins at its top. */
  list: unknown;
  /** How often what is new was asked for: it stands at the top. */
  asked: number;
  foot?: ReactNode;
}

function Head({ columns, sort, onSort, sortable, rows, selected, onSelect }: TableProps) {
  const all = rows.length > 0 && rows.every((row) => selected.has(rowKey(row)));
  return (
    <div role="rowgroup" className={css['head']}>
      <div role="row" className={css['row']}>
        <div role="columnheader" className={css['check']}>
          <Checkbox
            aria-label={s.selection.header}
            checked={all}
            indeterminate={!all && selected.size > 0}
            onChange={() => onSelect(rows.map(rowKey), !all)}
          />
        </div>
        {columns.map((column) => {
          const numeric = isNumeric(column);
          const way = sortable(column) ? ariaSort(column.id, sort) : undefined;
          return (
            <div key={column.id} role="columnheader" aria-sort={way} className={numeric ? css['num'] : ''}>
              {sortable(column) ? (
                <SortButton column={{ id: column.id, name: column.name, numeric }} sort={sort} onSort={onSort} />
              ) : (
                <span className={css['unsorted']} title={s.noOrder(column.name)}>
                  {column.name}
                </span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** A click beside the links and buttons of a row opens it, unless text was being selected. */
function isPlainClick(event: MouseEvent): boolean {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return false;
  if ((event.target as Element).closest('a, button, input, label')) return false;
  return !getSelection()?.toString();
}

function useRowKeys(props: TableProps, scrollTo: (index: number) => void) {
  const [active, setActive] = useState(-1);
  const wanted = useRef(-1);
  const focus = (index: number) => {
    const at = Math.max(0, Math.min(index, props.rows.length - 1));
    if (props.rows.length === 0) return;
    setActive(at);
    wanted.current = at;
    scrollTo(at);
  };
  // The row may only be there after the scroll.
  useEffect(() => {
    if (wanted.current < 0) return;
    const link = document.querySelector<HTMLElement>(`[data-row="${wanted.current}"]`);
    if (!link) return;
    link.focus({ preventScroll: true });
    wanted.current = -1;
  });
  const group = shortcutGroups.list;
  const keys = s.shortcuts;
  useShortcuts([
    { keys: 'j', does: keys.next, group, run: () => focus(active + 1) },
    { keys: 'k', does: keys.previous, group, run: () => focus(active - 1) },
    { keys: 'ArrowDown', does: keys.next, group, run: () => focus(active + 1) },
    { keys: 'ArrowUp', does: keys.previous, group, run: () => focus(active - 1) },
    { keys: 'g g', does: keys.top, group, run: () => focus(0) },
    {
      keys: 'x',
      does: keys.select,
      group,
      run: () => {
        const row = props.rows[active];
        if (row) props.onSelect([rowKey(row)], !props.selected.has(rowKey(row)));
      },
    },
  ]);
  return { active, setActive };
}

/** Rows stay where they are while the pointer is over them, some are selected, or the list is scrolled. */
function useHold(props: TableProps, scroller: { current: HTMLElement | null }) {
  const over = useRef(false);
  const update = () =>
    props.onHold(over.current || props.selected.size > 0 || (scroller.current?.scrollTop ?? 0) > 4 || focusInside());
  const focusInside = () =>
    scroller.current?.contains(document.activeElement) === true && document.activeElement?.matches(':focus-visible') === true;
  useEffect(update);
  return {
    onPointerEnter: () => {
      over.current = true;
      update();
    },
    onPointerLeave: () => {
      over.current = false;
      update();
    },
    onScroll: update,
    onFocus: update,
    onBlur: update,
  };
}

// Rows of a busy list are drawn four times a second, and most of what they hold is as it was: each part is drawn
// again only when it changed. Only the id's link knows the row's place, which changes with every row above it.
const MemoCell = memo(Cell);

function WideRow({ ns, row, columns, index }: { ns: string; row: ExecutionInfo; columns: readonly Column[]; index: number }) {
  return columns.map((column) => (
    <div key={column.id} role="cell" className={`${css['cell']} ${isNumeric(column) ? css['num'] : ''}`}>
      <MemoCell ns={ns} row={row} column={column} index={column.id === 'workflowId' ? index : 0} />
    </div>
  ));
}

interface CheckProps {
  id: string;
  index: number;
  checked: boolean;
  onCheck: (index: number, shift: boolean, on: boolean) => void;
}

const Check = memo(function Check({ id, index, checked, onCheck }: CheckProps) {
  return (
    <Checkbox
      aria-label={s.selection.row(id)}
      checked={checked}
      onChange={(event) => {
        const { shiftKey } = event.nativeEvent as unknown as { shiftKey: boolean };
        onCheck(index, shiftKey, event.currentTarget.checked);
      }}
    />
  );
});

const NarrowRow = memo(function NarrowRow({ ns, row, index }: { ns: string; row: ExecutionInfo; index: number }) {
  return (
    <div role="cell" className={css['narrow']}>
      <div className={css['narrowLine']}>
        <StateBadge state={workflowState(row.status)} iconOnly />
        <RunLink ns={ns} row={row} index={index} />
        <span className={`sk-dim ${css['narrowEnd']}`}>
          <Time at={row.startTime} />
        </span>
      </div>
      <div className={`${css['narrowLine']} sk-dim`}>
        <span className="sk-ellipsis">{row.type?.name}</span>
        <span aria-hidden="true">·</span>
        <span className="sk-ellipsis">{row.taskQueue}</span>
        <span className={css['narrowEnd']}>
          <Duration from={row.executionTime ?? row.startTime} to={row.closeTime} />
        </span>
      </div>
    </div>
  );
});

const narrowTracks = { '--columns': '32px minmax(0, 1fr)', '--least': '0' } as object;
const gapPx = 12;

/** The grid's tracks, and the width below which the table scrolls sideways rather than lose a column. */
function tracks(columns: readonly Column[]): object {
  const least = columns.reduce((sum, c) => sum + gapPx + parseInt(/\d+/.exec(c.width)?.[0] ?? '0'), 32 + 18);
  return { '--columns': `32px ${columns.map((c) => c.width).join(' ')}`, '--least': `${least}px` };
}

/** Another filter or order is read from its first row, and so is what is new. */
function useFromTheTop(scroller: { current: HTMLElement | null }, list: unknown, asked: number) {
  const shown = useRef({ list, asked });
  useEffect(() => {
    if (shown.current.list !== list || shown.current.asked !== asked) scroller.current?.scrollTo({ top: 0 });
    shown.current = { list, asked };
  }, [scroller, list, asked]);
}

export function WorkflowTable(props: TableProps) {
  const { ns, rows, columns, selected, onSelect, onEnd } = props;
  const navigate = useNavigate();
  const narrow = useNarrow();
  const scroller = useRef<HTMLDivElement>(null);
  const lastChecked = useRef<number>(-1);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? narrowRowPx : rowPx),
    overscan: 12,
    getItemKey: (index) => rowKey(rows[index] ?? {}) || index,
  });
  useEffect(() => virtual.measure(), [narrow, virtual]);
  useFromTheTop(scroller, props.list, props.asked);
  const { active, setActive } = useRowKeys(props, (index) => virtual.scrollToIndex(index, { align: 'auto' }));
  const holding = useHold(props, scroller);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - nearEnd) onEnd();
  }, [last, rows.length, onEnd]);

  const latest = useRef({ rows, onSelect });
  latest.current = { rows, onSelect };
  const check = useCallback((index: number, shift: boolean, on: boolean) => {
    const from = shift && lastChecked.current >= 0 ? lastChecked.current : index;
    lastChecked.current = index;
    const between = latest.current.rows.slice(Math.min(from, index), Math.max(from, index) + 1);
    latest.current.onSelect(between.map(rowKey), on);
  }, []);
  const open = (row: ExecutionInfo) =>
    void navigate({
      to: '/namespaces/$ns/workflows/$workflowId/$runId',
      params: { ns, workflowId: row.execution?.workflowId ?? '', runId: row.execution?.runId ?? '' },
    });
  return (
    <div
      className={css['table']}
      role="table"
      aria-label={s.title}
      aria-rowcount={(props.total ?? rows.length) + 1}
      style={narrow ? narrowTracks : tracks(columns)}
    >
      <div className={css['inner']} role="presentation">
      {!narrow && <Head {...props} />}
      <div ref={scroller} className={css['scroller']} role="rowgroup" {...holding}>
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="presentation">
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const key = rowKey(row);
            return (
              <div
                key={item.key}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={selected.has(key)}
                className={`${css['row']} ${css['data']}`}
                data-active={item.index === active || undefined}
                data-left={props.left?.has(key) || undefined}
                title={props.left?.has(key) ? s.leftHint : undefined}
                style={{ transform: `translateY(${item.start}px)`, height: item.size }}
                onClick={(event) => isPlainClick(event) && open(row)}
                onFocus={() => setActive(item.index)}
              >
                <div role="cell" className={css['check']}>
                  <Check id={row.execution?.workflowId ?? ''} index={item.index} checked={selected.has(key)} onCheck={check} />
                </div>
                {narrow ? (
                  <NarrowRow ns={ns} row={row} index={item.index} />
                ) : (
                  <WideRow ns={ns} row={row} columns={columns} index={item.index} />
                )}
              </div>
            );
          })}
        </div>
        {props.foot}
      </div>
      </div>
    </div>
  );
}
