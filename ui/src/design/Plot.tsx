import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useSettings } from '@/app/settings';
import { useColorScheme } from '@/app/useColorScheme';
import type { Series } from '@/model/series';
import { instantWords } from '@/model/time';
import css from './Plot.module.css';

export interface PlotSeries {
  name: string;
  /** A token: the colour is the theme's. */
  color: 'markAccent' | 'markNeutral' | 'markAmber' | 'markRed' | 'markWait';
  values: readonly (number | null)[];
  line?: 'dashed' | 'dotted';
  filled?: boolean;
}

/** The three lines that say how long something took. */
export function percentiles(series: Series, name: string): PlotSeries[] {
  return [
    { name: 'p50', color: 'markAccent', values: series.values(`${name}_p50`) },
    { name: 'p95', color: 'markNeutral', line: 'dashed', values: series.values(`${name}_p95`) },
    { name: 'p99', color: 'markNeutral', line: 'dotted', values: series.values(`${name}_p99`) },
  ];
}

interface Props {
  label: string;
  /** Seconds since 1970, one a point. */
  times: readonly number[];
  series: readonly PlotSeries[];
  /** How a value is written at the axis and under the pointer. */
  words: (value: number) => string;
  height?: number;
  /** Said instead of empty axes. */
  none?: string;
}

const leastSpanSeconds = 300; // two points are no trend

/** Between ticks of time: uPlot's own go from a minute to ten, which leaves narrow plots with one. */
const timeSteps = [1, 2, 5, 10, 15, 30].flatMap((n) => [n, n * 60]).concat([1, 2, 3, 6, 12, 24].map((n) => n * 3600)).sort((a, b) => a - b);

const token = (name: string) =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(`--sk-${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`)
    .trim();

/** A point without neighbours is no line: it is drawn as a dot. */
function lonely(plot: uPlot, index: number): number[] | null {
  const values = Array.from(plot.data[index] ?? []);
  const known = (i: number) => values[i] !== null && values[i] !== undefined;
  return values.flatMap((_v, i) => (known(i) && !known(i - 1) && !known(i + 1) ? i : []));
}

/** Dashes tell lines apart where colours alone would have to. */
const dashes = { dashed: [4, 3], dotted: [1.5, 2.5] };

/** Seconds only where ticks stand closer than a minute. */
function timeWords(ticks: readonly number[], utc: boolean): string[] {
  const close = ticks.length > 1 && (ticks[1] ?? 0) - (ticks[0] ?? 0) < 60;
  return ticks.map((t) => instantWords(t * 1000, utc, false).slice(11, close ? 19 : 16));
}

function options(props: Props & { utc: boolean }, width: number): uPlot.Options {
  const line = token('line');
  const axis: uPlot.Axis = {
    stroke: token('dim'),
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: "12px 'Inter Variable', system-ui",
  };
  return {
    width,
    height: props.height ?? 150,
    padding: [8, 28, 0, 0],
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: true, range: (_u, min, max) => [Math.min(min, max - leastSpanSeconds), max] },
      y: { range: (_u, _min, max) => [0, Math.max(max * 1.1, Number.EPSILON * 4) || 1] },
    },
    axes: [
      { ...axis, size: 26, space: 56, incrs: timeSteps, values: (_u, ticks) => timeWords(ticks, props.utc) },
      { ...axis, size: 52, space: 30, values: (_u, ticks) => ticks.map((v) => props.words(v)) },
    ],
    series: [
      {},
      ...props.series.map((s) => ({
        label: s.name,
        stroke: token(s.color),
        width: 1.5,
        points: { show: true, size: 4, fill: token(s.color), filter: lonely },
        ...(s.line ? { dash: dashes[s.line] } : {}),
        ...(s.filled ? { fill: `${token(s.color)}22` } : {}),
      })),
    ],
  };
}

function lastOf(series: PlotSeries): number | undefined {
  return series.values.findLast((v) => v !== null) ?? undefined;
}

/** Lines over time, from zero. What they show is also said in words: the latest of each. */
export function Plot(props: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef(props);
  latest.current = props;
  const scheme = useColorScheme();
  const utc = useSettings().times === 'utc';
  const shape = props.series.map((s) => s.name).join('\n');
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const { times, series } = latest.current;
    const made = new uPlot(
      options({ ...latest.current, utc }, element.clientWidth || 300),
      [times as number[], ...series.map((s) => s.values as (number | null)[])],
      element,
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: made.height }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [scheme, shape, utc]);
  useEffect(() => {
    plot.current?.setData([props.times as number[], ...props.series.map((s) => s.values as (number | null)[])]);
  }, [props.times, props.series]);
  const empty = props.none !== undefined && props.series.every((s) => lastOf(s) === undefined);
  return (
    <figure className={css['figure']}>
      <figcaption className={css['caption']}>
        <span className={css['title']}>{props.label}</span>
        {props.series.map((s) => {
          const value = lastOf(s);
          return (
            <span key={s.name} className={css['item']}>
              <span className={css['swatch']} data-color={s.color} data-line={s.line} />
              {s.name}
              <b>{value === undefined ? '–' : props.words(value)}</b>
            </span>
          );
        })}
      </figcaption>
      {empty && <p className={css['none']}>{props.none}</p>}
      <div ref={host} aria-hidden="true" hidden={empty} />
    </figure>
  );
}
