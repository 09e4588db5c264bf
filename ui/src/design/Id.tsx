import { CopyButton } from './CopyButton';
import css from './Id.module.css';

const tailLength = 8;

/**
 * An id, whole where there is room and with its middle left out where there is not: what tells ids apart
 * stands at their ends. Selecting it copies all of it, and so does the button.
 */
export function Id({ value, what, copy = true }: { value: string; what: string; copy?: boolean }) {
  const cut = value.length > tailLength * 2 ? value.length - tailLength : value.length;
  return (
    <span className={css['id']} title={value}>
      <span className={css['head']}>{value.slice(0, cut)}</span>
      {cut < value.length && <span className={css['tail']}>{value.slice(cut)}</span>}
      {copy && <CopyButton text={value} what={what} className={css['copy']} />}
    </span>
  );
}
