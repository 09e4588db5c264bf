import { useEffect, useMemo, useRef, useState } from 'react';
import { heldOrder, nextOrder, type Sortable, sortRows } from '@/model/table';
import { strings } from '@/strings';
import { Icon } from './icons';
import css from './ordered.module.css';

/**
 * Rows of a table that is held whole, in the order of a column. While the pointer or the keyboard's focus is on
 * them they keep their places, whatever is pushed; what is new stands at the end until then.
 */
export function useOrdered<Row>(props: {
  rows: readonly Row[];
  columns: readonly Sortable<Row>[];
  keyOf: (row: Row) => string;
  /** A column's id, `-` before it for descending; empty: the usual order. */
  sort: string;
  usual: (a: Row, b: Row) => number;
}) {
  const { rows, columns, keyOf, sort, usual } = props;
  const [held, setHeld] = useState(false);
  const over = useRef(false);
  const shown = useRef<{ sort: string; keys: readonly string[] }>({ sort, keys: [] });
  const ordered = useMemo(() => {
    const wanted = sortRows(rows, columns, sort, usual);
    return held && shown.current.sort === sort ? heldOrder(wanted, keyOf, shown.current.keys) : wanted;
  }, [rows, columns, keyOf, sort, usual, held]);
  useEffect(() => {
    shown.current = { sort, keys: ordered.map(keyOf) };
  }, [ordered, keyOf, sort]);
  const update = (body: Element, is = over.current) => {
    over.current = is;
    const at = document.activeElement;
    setHeld(is || (body.contains(at) && at?.matches(':focus-visible') === true));
  };
  type On = { currentTarget: Element };
  return {
    ordered,
    hold: {
      onPointerEnter: (event: On) => update(event.currentTarget, true),
      onPointerLeave: (event: On) => update(event.currentTarget, false),
      onFocus: (event: On) => update(event.currentTarget),
      onBlur: (event: On) => update(event.currentTarget),
    },
  };
}

interface HeadProps {
  column: { id: string; name: string; numeric?: boolean | undefined };
  sort: string;
  onSort: (sort: string) => void;
}

/** What a head of a column says of its order. */
export function ariaSort(id: string, sort: string): 'ascending' | 'descending' | 'none' {
  return sort === id ? 'ascending' : sort === `-${id}` ? 'descending' : 'none';
}

export function SortButton({ column, sort, onSort }: HeadProps) {
  const way = ariaSort(column.id, sort);
  return (
    <button
      type="button"
      className={css['sort']}
      title={strings.workflows.sortBy(column.name)}
      onClick={() => onSort(nextOrder(column.id, column.numeric === true, sort))}
    >
      {column.name}
      {way !== 'none' && <Icon name={way === 'ascending' ? 'up' : 'down'} size={12} />}
    </button>
  );
}
