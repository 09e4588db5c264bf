import type { HTMLAttributes, ReactNode } from 'react';
import { ariaSort, SortButton } from './ordered';
import css from './SimpleTable.module.css';

export interface SimpleColumn<T> {
  name: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
  /** Of the table's width; columns without share what is left. */
  width?: string;
  /** On small screens on the first line, beside the first cell. */
  lead?: boolean;
  /** Not shown on small screens. */
  wideOnly?: boolean;
  /** The head is for hearing only: a column of buttons. */
  silent?: boolean;
  /** For an order by this column (ordered.tsx): its name in the address. */
  id?: string;
}

interface Props<T> {
  label: string;
  columns: readonly SimpleColumn<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** Columns with an id are sorted by; the rows come sorted. */
  sort?: string;
  onSort?: (sort: string) => void;
  hold?: HTMLAttributes<HTMLTableSectionElement>;
}

/** A table of what fits a page; on small screens a row's later cells go to its second line. */
export function SimpleTable<T>({ label, columns, rows, rowKey, sort = '', onSort, hold }: Props<T>) {
  return (
    <table className={css['table']} aria-label={label}>
      <colgroup>
        {columns.map((c) => (
          <col key={c.name} style={c.width ? { width: c.width } : {}} />
        ))}
      </colgroup>
      <thead>
        <tr>
          {columns.map((c) => (
            <th key={c.name} scope="col" className={classes(c)} aria-sort={c.id && onSort ? ariaSort(c.id, sort) : undefined}>
              {c.id && onSort ? (
                <SortButton column={{ id: c.id, name: c.name, numeric: c.numeric }} sort={sort} onSort={onSort} />
              ) : (
                <span className={c.silent ? 'sk-hidden' : ''}>{c.name}</span>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...hold}>
        {rows.map((row) => (
          <tr key={rowKey(row)}>
            {columns.map((c) => (
              <td key={c.name} className={classes(c)} data-name={c.silent ? undefined : c.name}>
                {c.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function classes<T>(column: SimpleColumn<T>): string {
  const chosen = [column.numeric && css['num'], column.wideOnly && css['wideOnly'], column.lead && css['lead']];
  return chosen.filter(Boolean).join(' ');
}
