/** Spans and instants in words and digits. Pure: the clock and the time zone come from the caller. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `0.4 ms`, `12 ms`, `1.24 s`, `2m 05s`, `3h 12m`, `4d 2h`: three figures where they matter. */
export function spanWords(ms: number): string {
  if (!Number.isFinite(ms)) return '';
  if (ms < 0) return '−' + spanWords(-ms);
  if (ms === 0) return '0 s';
  if (ms < 9.95) return `${trim(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const s = ms / second;
  if (s < 9.995) return `${trim(s, 2)} s`;
  if (s < 59.95) return `${trim(s, 1)} s`;
  const total = Math.round(s);
  if (total < 3600) return two(Math.floor(total / 60), 'm', total % 60, 's');
  if (total < 86400) return two(Math.floor(total / 3600), 'h', Math.floor((total % 3600) / 60), 'm');
  return two(Math.floor(total / 86400), 'd', Math.floor((total % 86400) / 3600), 'h');
}

function two(a: number, unitA: string, b: number, unitB: string): string {
  return b === 0 ? `${a}${unitA}` : `${a}${unitA} ${String(b).padStart(2, '0')}${unitB}`;
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** Steps that a reader counts in: 1, 2, 5 times a power of ten below a minute, then clock units. */
const tickSteps: readonly number[] = [
  0.1,
  0.2,
  0.5,
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  second,
  2 * second,
  5 * second,
  10 * second,
  15 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  14 * day,
  30 * day,
  90 * day,
  365 * day,
];

export function tickStep(spanMs: number, countMax: number): number {
  const least = spanMs / Math.max(countMax, 1);
  for (const step of tickSteps) if (step >= least) return step;
  return Math.ceil(least / (365 * day)) * 365 * day;
}

export interface Tick {
  readonly ms: number;
  readonly label: string;
}

/** Ticks since a run's start: `+0`, `+5 s`, `+10 s`. */
export function elapsedTicks(originMs: number, fromMs: number, toMs: number, countMax: number): Tick[] {
  const step = tickStep(toMs - fromMs, countMax);
  const ticks: Tick[] = [];
  for (let n = Math.ceil((fromMs - originMs) / step - 1e-9); ; n++) {
    const ms = originMs + n * step;
    if (ms > toMs || ticks.length > countMax * 2) return ticks;
    ticks.push({ ms, label: n === 0 ? '0' : (n < 0 ? '−' : '+') + tickLabel(Math.abs(n) * step, step) });
  }
}

/** As exact as the distance between ticks wants it: `50 ms`, `57.75 s`, `2m 05s`, `3h 12m`, `4d 02h`. */
function tickLabel(ms: number, step: number): string {
  const digits = step < second ? Math.max(0, Math.ceil(-Math.log10(step / second) - 1e-9)) : 0;
  if (ms < second && step < second) return `${Number((ms).toFixed(Math.max(digits - 3, 0)))} ms`;
  const seconds = ms / second;
  if (ms < minute) return `${trim(seconds, digits)} s`;
  const padded = (value: number): string => value.toFixed(digits).padStart(digits > 0 ? digits + 3 : 2, '0');
  const parts: string[] = [];
  if (ms >= day) parts.push(`${Math.floor(ms / day)}d`);
  if (ms >= hour && ms % day > 0) parts.push(`${Math.floor((ms % day) / hour)}h`);
  if (step < hour && ms % hour > 0) {
    const minutes = String(Math.floor((ms % hour) / minute));
    parts.push(`${parts.length > 0 ? minutes.padStart(2, '0') : minutes}m`);
  }
  if (step < minute && ms % minute > 0) parts.push(`${padded((ms % minute) / second)}s`);
  return parts.join(' ');
}

/** Ticks on the clock, aligned to it in the given zone; the date stands where it changes. */
export function clockTicks(fromMs: number, toMs: number, countMax: number, utc: boolean): Tick[] {
  const step = tickStep(toMs - fromMs, countMax);
  const offset = utc ? 0 : -new Date(fromMs).getTimezoneOffset() * minute;
  const ticks: Tick[] = [];
  let shownDay = '';
  for (let n = Math.ceil((fromMs + offset) / step - 1e-9); ; n++) {
    const ms = n * step - offset;
    if (ms > toMs || ticks.length > countMax * 2) return ticks;
    const at = new Date(ms + offset).toISOString();
    const date = at.slice(0, 10);
    const time = step >= minute ? at.slice(11, 16) : step >= second ? at.slice(11, 19) : at.slice(11, 23);
    const label = step >= day ? date : date === shownDay ? time : `${date.slice(5)} ${time}`;
    shownDay = date;
    ticks.push({ ms, label });
  }
}

/** `2026-11-23 08:24:57.123`, in local time or in UTC. */
export function instantWords(ms: number, utc = false, millis = true): string {
  if (!Number.isFinite(ms)) return '';
  const shift = utc ? 0 : -new Date(ms).getTimezoneOffset() * minute;
  const iso = new Date(ms + shift).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, millis ? 23 : 19)}${utc ? ' UTC' : ''}`;
}
