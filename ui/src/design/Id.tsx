import { CopyButton } from './CopyButton';
import css from './Id.module.css';

const tailLength = 8;
const wholeMax = 16; // such fit everywhere

/**
 * An id, whole where there is room and with its middle left out where there is not: what tells ids apart
 * stands at their ends. Selecting it copies all of it, and so does the button.
 */
export function Id({ value, what, copy = true }: { value: string; what: string; copy?: boolean }) {
  const cut = value.length > wholeMax ? value.length - tailLength : value.length;
  const parted = cut < value.length;
  return (
    <span className={css['id']} title={value}>
      {parted && <span className={`sk-hidden ${css['spoken']}`}>{value}</span>}
      <span className={css['head']} aria-hidden={parted}>
        {value.slice(0, cut)}
      </span>
      {parted && (
        <span className={css['tail']} aria-hidden="true">
          {value.slice(cut)}
        </span>
      )}
      {copy && <CopyButton text={value} what={what} className={css['copy']} />}
    </span>
  );
}
