import { durationSeconds } from './condition';
import { durationMs } from './proto';

/** `259200s` as `3d`, as a form shows it; what is no whole number of days in hours. */
export function retentionText(ttl: string | undefined): string {
  const seconds = Math.round(durationMs(ttl) / 1000);
  if (!Number.isFinite(seconds) || seconds <= 0) return '';
  if (seconds % 86400 === 0) return `${seconds / 86400}d`;
  return seconds % 3600 === 0 ? `${seconds / 3600}h` : `${seconds}s`;
}

/** `3d` as `259200s`; a bare number is days. */
export function retentionSeconds(text: string): string | undefined {
  const days = /^\s*(\d+)\s*$/.exec(text)?.[1];
  const seconds = days === undefined ? durationSeconds(text) : Number(days) * 86400;
  return seconds === undefined || seconds <= 0 ? undefined : `${Math.round(seconds)}s`;
}
