import type { Figures } from '@/api/figures';
import { durationMs, timeMs } from './proto';

/** Figures as plots take them. */
export interface Series {
  /** Seconds since 1970. */
  times: number[];
  stepSeconds: number;
  values: (name: string) => (number | null)[];
  /** The same divided by the step: a rate a second. */
  rates: (name: string) => (number | null)[];
}

export function seriesOf(figures: Figures | null | undefined): Series | undefined {
  const first = timeMs(figures?.first) / 1000;
  const stepSeconds = durationMs(figures?.step) / 1000;
  if (!figures || Number.isNaN(first) || !(stepSeconds > 0)) return undefined;
  const length = Math.max(0, ...(figures.series ?? []).map((s) => s.values?.length ?? 0));
  const values = (name: string) => {
    const found = figures.series?.find((s) => s.name === name)?.values ?? [];
    return Array.from({ length }, (_v, i) => {
      const value = Number(found[i] ?? NaN);
      return Number.isFinite(value) ? value : null;
    });
  };
  return {
    times: Array.from({ length }, (_v, i) => first + i * stepSeconds),
    stepSeconds,
    values,
    rates: (name) => values(name).map((v) => (v === null ? null : v / stepSeconds)),
  };
}
