import type { Compare } from './order';
import type { ExecutionInfo } from './proto';

/**
 * A list of runs that changes while somebody looks at it. The server says, again and again, what its first
 * page is now; further pages follow below as they are asked for. Two things can be done with a new first
 * page: `apply` shows it, with the rows that stood below kept where they belong; `hold` changes no row's place:
 * rows that are shown get their new status, those that are new are only counted.
 *
 * The order is the server's, and `compare` knows it (order.ts).
 */
export interface LiveList {
  readonly rows: readonly ExecutionInfo[];
  /** The first page as it is now, when it is not (all) shown. */
  readonly held?: FirstPage | undefined;
  /** How many runs of the held page are not shown. */
  readonly fresh: number;
  /** Runs that are still shown and have left the list. */
  readonly left?: ReadonlySet<string>;
  /** Where the pages below go on; undefined: there are none. */
  readonly next?: string | undefined;
}

export interface FirstPage {
  readonly rows: readonly ExecutionInfo[];
  readonly more: boolean;
}

export const emptyList: LiveList = { rows: [], fresh: 0 };

export function rowKey(row: ExecutionInfo): string {
  return row.execution?.runId ?? '';
}

export function firstLoad(rows: readonly ExecutionInfo[], next: string | undefined): LiveList {
  return { rows, fresh: 0, next: next || undefined };
}

/** A page from below. */
export function append(
  list: LiveList,
  rows: readonly ExecutionInfo[],
  next: string | undefined,
): LiveList {
  const known = new Set(list.rows.map(rowKey));
  return {
    ...list,
    rows: [...list.rows, ...rows.filter((row) => !known.has(rowKey(row)))],
    next: next || undefined,
  };
}

/** Rows that changed while they were held may stand in the wrong place. */
function inOrder(rows: readonly ExecutionInfo[], compare: Compare): readonly ExecutionInfo[] {
  const wrong = rows.some((row, i) => i > 0 && compare(rows[i - 1] ?? row, row) > 0);
  return wrong ? rows.toSorted(compare) : rows;
}

/** Shows the first page as it is now. What stood in its span and is not in it has left the list. */
export function apply(list: LiveList, page: FirstPage, compare: Compare): LiveList {
  const last = page.rows.at(-1);
  const now = new Set(page.rows.map(rowKey));
  const below =
    page.more && last
      ? inOrder(list.rows.filter((row) => !now.has(rowKey(row)) && compare(row, last) >= 0), compare)
      : [];
  return {
    rows: [...page.rows, ...below],
    fresh: 0,
    next: page.more ? list.next : undefined,
  };
}

/** Changes rows in their places, and counts what is new. */
export function hold(list: LiveList, page: FirstPage, compare: Compare): LiveList {
  const now = new Map(page.rows.map((row) => [rowKey(row), row]));
  const shown = new Set(list.rows.map(rowKey));
  const fresh = page.rows.filter((row) => !shown.has(rowKey(row))).length;
  const last = page.rows.at(-1);
  const inSpan = (row: ExecutionInfo) => !page.more || (last !== undefined && compare(row, last) < 0);
  const left = new Set(list.rows.filter((row) => !now.has(rowKey(row)) && inSpan(row)).map(rowKey));
  return {
    ...list,
    rows: list.rows.map((row) => now.get(rowKey(row)) ?? row),
    held: page,
    fresh,
    left,
  };
}

/** Shows what was held back. */
export function release(list: LiveList, compare: Compare): LiveList {
  return list.held ? apply(list, list.held, compare) : list;
}
