import { type Column, durationOf } from './columns';
import type { ExecutionInfo } from './proto';

/** Lists as files. */

/** A field of RFC 4180; what a spreadsheet would run as a formula gets an apostrophe before it. */
export function csvField(value: string | number | undefined): string {
  let text = value === undefined ? '' : String(value);
  if (typeof value === 'string' && /^[=+@\t\r-]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvHead(columns: readonly Column[]): string {
  return columns.map((c) => csvField(c.kind === 'duration' ? `${c.name} (s)` : c.name)).join(',') + '\r\n';
}

export function csvRows(columns: readonly Column[], rows: readonly ExecutionInfo[], now: number): string {
  return rows
    .map((row) =>
      columns
        .map((c) => csvField(c.kind === 'duration' ? durationOf(row, now) / 1000 : c.value(row)))
        .join(',') + '\r\n',
    )
    .join('');
}
