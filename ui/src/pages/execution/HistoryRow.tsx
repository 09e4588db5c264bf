import { memo } from 'react';
import { useSettings } from '@/app/settings';
import { Icon } from '@/design/icons';
import { stepStates, type State } from '@/design/states';
import { eventDetail, eventName, stepAttempts, stepDetail, stepName } from '@/model/describe';
import { failureLine } from '@/model/failure';
import type { EventView } from '@/model/history';
import { payloadsIn } from '@/model/payloads';
import { instantWords, spanWords } from '@/model/time';
import { isSpan, outcomeNow, pendingActivityOf, stepBar, type TimelineContext } from '@/model/timeline';
import { executionStrings } from '@/strings/execution';
import { eventPayloads, stepPayloads, useDecoding } from './parts/codec';
import { EventDetails } from './parts/EventDetails';
import { StepDetails } from './parts/StepDetails';
import { isStep, keyOf, type Item } from './historyList';
import css from './HistoryPage.module.css';

const s = executionStrings;

interface Shown {
  id: number;
  timeMs: number;
  state: State | undefined;
  kind: string;
  name: string;
  detail: string;
  attempts: number;
  took: string;
}

function shownEvent(event: EventView): Shown {
  const outcome = event.kind.role === 'close' || event.kind.role === 'alone' ? event.kind.outcome : undefined;
  return {
    id: event.id,
    timeMs: event.timeMs,
    state: outcome && stepStates[outcome],
    kind: '',
    name: eventName(event),
    detail: eventDetail(event),
    attempts: 1,
    took: '',
  };
}

function shown(item: Item, context: TimelineContext): Shown {
  if (!isStep(item)) return shownEvent(item);
  const outcome = outcomeNow(item, context);
  const first = item.events[0];
  const failing = pendingActivityOf(item, context.pending)?.lastFailure;
  const bar = isSpan(item) ? stepBar(item, context) : undefined;
  return {
    id: item.anchor,
    timeMs: first?.timeMs ?? NaN,
    state: outcome && stepStates[outcome],
    kind: item.kind === 'workflow' || item.kind === 'task' ? '' : s.kinds[item.kind],
    name: stepName(item),
    detail: failing ? failureLine(failing) : stepDetail(item),
    attempts: bar?.attempts ?? stepAttempts(item),
    took: bar ? spanWords(bar.toMs - bar.fromMs) : '',
  };
}

function Mark({ state }: { state: State | undefined }) {
  if (!state) return <span className={css['dot']} />;
  return (
    <span className={`sk-tone-${state.tone}`} title={state.word}>
      <Icon name={state.mark} />
      <span className="sk-hidden">{state.word}</span>
    </span>
  );
}

export const HistoryRow = memo(function HistoryRow(props: {
  id: string;
  item: Item;
  index: number;
  top: number;
  /** For a row that is open, whose height depends on what it holds. */
  measure: ((element: HTMLElement | null) => void) | null;
  context: TimelineContext;
  open: boolean;
  active: boolean;
  onToggle: (key: string) => void;
}) {
  const { item, context, open } = props;
  const { times } = useSettings();
  const failing = isStep(item) ? pendingActivityOf(item, context.pending)?.lastFailure : undefined;
  useDecoding(() => [...(isStep(item) ? stepPayloads(item) : eventPayloads(item)), ...payloadsIn(failing)]);
  const row = shown(item, context);
  const failed = row.state?.tone === 'red';
  const utc = times === 'utc';
  return (
    <div
      ref={props.measure}
      data-index={props.index}
      id={props.id}
      role="row"
      aria-rowindex={props.index + 1}
      aria-expanded={open}
      data-active={props.active || undefined}
      className={css['item']}
      style={{ transform: `translateY(${props.top}px)` }}
    >
      <div className={css['row']} onClick={() => props.onToggle(keyOf(item))} data-open={open || undefined}>
        <span role="gridcell" className={css['id']}>
          {row.id}
        </span>
        <span role="gridcell" className={css['time']} title={instantWords(row.timeMs, utc)}>
          {times === 'relative' ? `+${spanWords(row.timeMs - context.startMs)}` : instantWords(row.timeMs, utc)}
        </span>
        <span role="gridcell" className={css['what']}>
          <Mark state={row.state} />
          <span className={css['name']} title={row.name}>
            {row.name}
          </span>
          {row.attempts > 1 && <span className={css['attempts']}>{s.timeline.attempts(row.attempts)}</span>}
          {row.kind && <span className={css['kind']}>{row.kind}</span>}
        </span>
        <span role="gridcell" className={css['detail']} data-failed={failed || undefined} title={row.detail}>
          {row.detail}
        </span>
        <span role="gridcell" className={css['took']}>
          {row.took}
        </span>
      </div>
      {open && (
        <div role="gridcell" className={css['details']}>
          {isStep(item) ? (
            <StepDetails step={item} context={context} heading={false} />
          ) : (
            <EventDetails event={item} />
          )}
        </div>
      )}
    </div>
  );
});
