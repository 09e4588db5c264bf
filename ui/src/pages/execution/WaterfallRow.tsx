import { memo, type CSSProperties } from 'react';
import { Icon } from '@/design/icons';
import { stepStates } from '@/design/states';
import { stepDetail, stepName } from '@/model/describe';
import { failureLine } from '@/model/failure';
import type { Step } from '@/model/history';
import { payloadsIn } from '@/model/payloads';
import type { Execution } from '@/model/proto';
import { instantWords, spanWords } from '@/model/time';
import {
  gapsIn,
  laneItems,
  outcomeNow,
  pendingActivityOf,
  realSpan,
  share,
  stepBar,
  timeShares,
  type Bar,
  type LaneKind,
  type SegmentKind,
  type TimelineContext,
  type TimeWindow,
} from '@/model/timeline';
import { executionStrings } from '@/strings/execution';
import { stepPayloads, useDecoding } from './parts/codec';
import { timelineContext } from './run';
import type { RunState } from './runStore';
import css from './Waterfall.module.css';

const s = executionStrings.timeline;

export interface StepRowData {
  kind: 'step';
  key: string;
  step: Step;
  depth: number;
  /** Of the child that the step belongs to; none: of the run itself. */
  state: RunState | undefined;
  child: Execution | undefined;
  expanded: boolean;
}

export interface NoteRowData {
  kind: 'note';
  key: string;
  depth: number;
  text: string;
}

export type Row = StepRowData | NoteRowData;

const indent = (depth: number): number => 12 + depth * 20;

type Place = { top: number; height: number };

function percent(n: number): string {
  return `${n * 100}%`;
}

/** A stretch of time as left edge and width; nothing where it is out of view. */
function stretch(fromMs: number, toMs: number, view: TimeWindow): CSSProperties | undefined {
  const from = share(fromMs, view);
  const to = share(toMs, view);
  if (to < 0 || from > 1) return undefined;
  const left = Math.max(from, 0);
  return { left: percent(left), width: percent(Math.min(to, 1) - left) };
}

const partOrder: readonly SegmentKind[] = ['queue', 'earlier', 'failed', 'retryWait', 'run', 'timer'];

/** A row in words: for the title, and for those who do not see the bar. */
function rowWords(step: Step, bar: Bar, context: TimelineContext): string {
  const shares = timeShares(bar);
  const parts = partOrder
    .filter((kind) => shares[kind] > 0)
    .map((kind) => `${s.segments[kind]} ${spanWords(shares[kind])}`);
  if (bar.attempts > 1) parts.push(s.attemptsLong(bar.attempts));
  return [stepName(step), instantWords(bar.fromMs), barLabel(bar, context), ...parts].join('\n');
}

/** Beside the name: why it failed or is tried again, which child it is. */
function rowDetail(step: Step, context: TimelineContext): string {
  const pending = pendingActivityOf(step, context.pending);
  if (pending?.lastFailure) return failureLine(pending.lastFailure);
  const tells = step.outcome === 'failed' || step.outcome === 'timedOut' || step.kind === 'child';
  return tells ? stepDetail(step) : '';
}

/** What stands beside the bar: how long it took, or what comes next. */
function barLabel(bar: Bar, context: TimelineContext): string {
  const took = spanWords(bar.toMs - bar.fromMs);
  if (bar.dueMs === undefined) return took;
  const left = spanWords(Math.ceil((bar.dueMs - context.nowMs) / 1000) * 1000);
  return bar.outcome === 'retrying' || bar.outcome === 'scheduled' ? s.next(left) : s.due(left);
}

/** After the bar: there is room for it at the right of the lanes, too. */
function labelPlace(bar: Bar, view: TimeWindow): CSSProperties {
  return { left: percent(Math.min(share(bar.toMs, view), 1)) };
}

function Bars({ bar, view, context }: { bar: Bar; view: TimeWindow; context: TimelineContext }) {
  const out = share(bar.toMs, view) < 0 ? 'before' : share(bar.fromMs, view) > 1 ? 'after' : undefined;
  if (out) return <span className={css['outside']} data-side={out} title={s[out]} />;
  return (
    <>
      {bar.segments.map((segment, i) => {
        const style = stretch(segment.fromMs, segment.toMs, view);
        return (
          style && (
            <span
              key={i}
              className={css['segment']}
              data-kind={segment.kind}
              data-growing={segment.growing || undefined}
              data-outcome={segment.kind === 'run' ? bar.outcome : undefined}
              style={style}
            />
          )
        );
      })}
      {bar.segments.length === 0 && <span className={css['mark']} style={{ left: percent(share(bar.fromMs, view)) }} />}
      {gapsIn(view).map(({ gap, from, to }) => (
        <span key={gap.fromMs} className={css['cut']} style={{ left: percent(from), width: percent(to - from) }} />
      ))}
      <span className={css['took']} style={labelPlace(bar, view)} aria-hidden="true">
        {barLabel(bar, context)}
      </span>
    </>
  );
}

export const StepRow = memo(function StepRow(props: {
  row: StepRowData;
  id: string;
  index: number;
  top: number;
  height: number;
  view: TimeWindow;
  nowMs: number;
  /** Of the run itself; a child's row makes its own. */
  context: TimelineContext;
  active: boolean;
  selected: boolean;
  /** Some row can be unfolded: the others leave room for what that takes. */
  unfolds: boolean;
  onOpen: (key: string) => void;
  onToggle: (key: string) => void;
}) {
  const { row, view } = props;
  const { step } = row;
  const context = row.state ? timelineContext(row.state, props.nowMs) : props.context;
  useDecoding(() => [...stepPayloads(step), ...payloadsIn(pendingActivityOf(step, context.pending)?.lastFailure)]);
  const bar = stepBar(step, context);
  const outcome = outcomeNow(step, context);
  const state = outcome && stepStates[outcome];
  const detail = rowDetail(step, context);
  const words = rowWords(step, bar, context);
  return (
    <div
      id={props.id}
      className={css['row']}
      role="row"
      aria-level={row.depth + 1}
      aria-rowindex={props.index + 1}
      aria-selected={props.selected}
      {...(row.child ? { 'aria-expanded': row.expanded } : {})}
      data-active={props.active || undefined}
      style={{ transform: `translateY(${props.top}px)`, height: props.height }}
      onClick={() => props.onOpen(row.key)}
    >
      <div role="gridcell" className={css['name']} style={{ paddingLeft: indent(row.depth) }}>
        {row.child ? (
          <button
            type="button"
            tabIndex={-1}
            className={css['toggle']}
            aria-label={row.expanded ? s.collapse : s.expand}
            onClick={(event) => {
              event.stopPropagation();
              props.onToggle(row.key);
            }}
          >
            <Icon name={row.expanded ? 'down' : 'right'} size={12} />
          </button>
        ) : (
          props.unfolds && <span className={css['leaf']} />
        )}
        {state && (
          <span className={`sk-tone-${state.tone}`} title={state.word}>
            <Icon name={state.mark} />
            <span className="sk-hidden">{state.word}</span>
          </span>
        )}
        <span className={css['nameText']} title={stepName(step)}>
          {stepName(step)}
        </span>
        {bar.attempts > 1 && (
          <span className={css['attempts']} title={s.attemptsLong(bar.attempts)}>
            {s.attempts(bar.attempts)}
          </span>
        )}
        {detail && (
          <span className={css['detail']} title={detail}>
            {detail}
          </span>
        )}
      </div>
      <div role="gridcell" className={css['lane']} title={words}>
        <span className="sk-hidden">{words}</span>
        <Bars bar={bar} view={view} context={context} />
      </div>
    </div>
  );
});

export function NoteRow({ row, place, index }: { row: NoteRowData; place: Place; index: number }) {
  return (
    <div
      className={css['row']}
      role="row"
      aria-level={row.depth + 1}
      aria-rowindex={index + 1}
      style={{ transform: `translateY(${place.top}px)`, height: place.height }}
    >
      <div role="gridcell" className={css['note']} style={{ paddingLeft: indent(row.depth) + 20 }}>
        {row.text}
      </div>
    </div>
  );
}

/** Marks closer than this share of the width are drawn as one. */
const laneGap = 1 / 400;

export function LaneRow(props: {
  kind: LaneKind;
  steps: readonly Step[];
  view: TimeWindow;
  context: TimelineContext;
  selected: string | undefined;
  onSelect: (key: string | undefined) => void;
}) {
  const { kind, steps, view, context, selected, onSelect } = props;
  const gap = (view.toMs - view.fromMs) * laneGap;
  const real = realSpan(view);
  const items = laneItems(steps, real.fromMs, real.toMs, gap, context);
  return (
    <div className={css['laneRow']}>
      <div className={css['laneName']}>
        {s.lanes[kind]} <span className="sk-dim">{steps.length.toLocaleString('en')}</span>
      </div>
      <div className={css['lane']}>
        {items.map((item) => {
          const style = stretch(item.fromMs, item.toMs, view);
          const name = item.count > 1 ? s.several(item.count, s.lanes[kind]) : stepName(item.first);
          const title = `${name}\n${instantWords(item.fromMs)}${item.toMs > item.fromMs ? `\n${spanWords(item.toMs - item.fromMs)}` : ''}`;
          return (
            style && (
              <button
                key={item.first.key}
                type="button"
                tabIndex={-1}
                className={css['laneItem']}
                data-lane={kind}
                data-failed={item.failed || undefined}
                data-selected={selected === item.first.key || undefined}
                style={style}
                title={title}
                aria-label={title}
                onClick={() => onSelect(selected === item.first.key ? undefined : item.first.key)}
              >
                {item.waited > 0 && <span className={css['laneWait']} style={{ width: percent(item.waited) }} />}
                {kind === 'task' && item.waited < 1 && (
                  <span className={css['laneRun']} style={{ left: percent(item.waited) }} />
                )}
              </button>
            )
          );
        })}
      </div>
    </div>
  );
}
