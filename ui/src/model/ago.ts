import { strings } from '@/strings';
import { instantWords } from './time';

const units: readonly [number, string][] = [
  [86400, 'd'],
  [3600, 'h'],
  [60, 'm'],
  [1, 's'],
];

/** `12s`, `4m`, `3h`, `2d`: one unit, as a column of a list wants it. */
function coarse(seconds: number): string {
  for (const [size, unit] of units)
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  return '0s';
}

/** `12s ago`, `in 4m`; over ten days the date itself. */
export function agoWords(ms: number, now: number, utc = false): string {
  const seconds = (now - ms) / 1000;
  if (Math.abs(seconds) > 10 * 86400) return instantWords(ms, utc, false);
  if (Math.abs(seconds) < 1) return strings.common.justNow;
  return seconds > 0
    ? strings.common.ago(coarse(seconds))
    : strings.common.ahead(coarse(-seconds));
}
