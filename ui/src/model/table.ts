/** Rows of a table that is held whole: their order, and how it stays while a hand is over it. */

export interface Sortable<Row> {
  readonly id: string;
  readonly numeric?: boolean | undefined;
  /** What rows are sorted by; without it the column does not sort. */
  readonly value?: ((row: Row) => string | number) | undefined;
}

/** A click on a column: one way, the other way, the usual order. */
export function nextOrder(id: string, downFirst: boolean, sort: string): string {
  const [first, second] = downFirst ? [`-${id}`, id] : [id, `-${id}`];
  return sort === first ? second : sort === second ? '' : first;
}

/** What has no number comes last, whichever way. */
function compare(a: string | number, b: string | number, sign: number): number {
  if (typeof a === 'string' || typeof b === 'string')
    return sign * String(a).localeCompare(String(b), 'en', { numeric: true });
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return sign * (a - b);
}

/** A new array: by the column that `sort` names (`-` before it: descending), equals in the usual order. */
export function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Sortable<Row>[],
  sort: string,
  usual: (a: Row, b: Row) => number,
): Row[] {
  const value = columns.find((c) => c.id === sort.replace(/^-/, ''))?.value;
  const sign = sort.startsWith('-') ? -1 : 1;
  return [...rows].sort((a, b) => (value ? compare(value(a), value(b), sign) : 0) || usual(a, b));
}

/** The rows with those that were shown before in their places, and what is new after them. */
export function heldOrder<Row>(rows: readonly Row[], keyOf: (row: Row) => string, shown: readonly string[]): Row[] {
  const places = new Map(shown.map((key, i) => [key, i]));
  const place = (row: Row) => places.get(keyOf(row)) ?? places.size;
  return [...rows].sort((a, b) => place(a) - place(b));
}
