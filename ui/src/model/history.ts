/**
 * A run's history in the browser: a window of events that grows at both ends (older pages from the
 * reverse call, newer ones from live updates) and, kept up to date with it, the steps that the events
 * belong to. Adding a page costs as much as the page has events, whatever is there already; 50,000 events
 * cost 50,000 small objects beside the messages themselves. No text is made here: a row makes its own
 * when it comes into view (describe.ts).
 *
 * What always holds:
 *  1. The loaded events are contiguous, first..last; an event once loaded is never replaced.
 *  2. Each loaded event belongs to exactly one step. A step whose first event is not loaded yet exists
 *     under that event's id, and is completed when the page arrives.
 */

import {
  attributesKey,
  eventKind,
  eventTypeName,
  type Category,
  type EventKind,
  type Outcome,
  type StepKind,
} from './events';
import { idOf, timeMs, type Attributes, type HistoryEvent } from './proto';

export interface EventView {
  readonly id: number;
  /** Without the prefix `EVENT_TYPE_`. */
  readonly type: string;
  readonly kind: EventKind;
  readonly category: Category;
  readonly timeMs: number;
  readonly attributes: Attributes;
  readonly raw: HistoryEvent;
  readonly step: string;
}

/** Events that make up one thing which happened: an activity, a timer, a child, a signal, … */
export interface Step {
  readonly key: string;
  readonly kind: StepKind;
  readonly category: Category;
  /** The id that orders steps: the first event's, loaded or not. */
  anchor: number;
  open?: EventView;
  start?: EventView;
  close?: EventView;
  /** All events of the step that are loaded, by id. */
  events: EventView[];
  outcome: Outcome | undefined;
  /** Rises with each change, so that a row knows when to draw itself anew. */
  version: number;
}

const noAttributes: Attributes = Object.freeze({});

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function updateId(a: Attributes): string {
  const meta = (a['meta'] ?? (a['request'] as Attributes | undefined)?.['meta']) as
    Attributes | undefined;
  const rejected = a['rejectedRequest'] as Attributes | undefined;
  const accepted = a['acceptedRequest'] as Attributes | undefined;
  const other = ((rejected ?? accepted)?.['meta'] as Attributes | undefined)?.['updateId'];
  return text(meta?.['updateId']) || text(other) || text(a['protocolInstanceId']);
}

/** Key and anchor of the step that an event belongs to. */
function stepOf(id: number, kind: EventKind, a: Attributes): [string, number] {
  if (kind.step === 'update') {
    const update = updateId(a);
    return update ? [`update:${encodeURIComponent(update)}`, id] : [`update#${id}`, id];
  }
  const anchor = kind.anchor ? idOf(a[kind.anchor]) || id : id;
  return [`${kind.step}:${anchor}`, anchor];
}

export function viewEvent(raw: HistoryEvent): EventView {
  const id = idOf(raw.eventId);
  const type = eventTypeName(raw.eventType);
  const kind = eventKind(type);
  const attributes = (raw[attributesKey(type)] as Attributes | undefined) ?? noAttributes;
  const [step] = stepOf(id, kind, attributes);
  return {
    id,
    type,
    kind,
    category: kind.category,
    timeMs: timeMs(raw.eventTime),
    attributes,
    raw,
    step,
  };
}

function outcomeOf(step: Step): Outcome | undefined {
  const last = step.close ?? step.start ?? step.open ?? step.events[0];
  if (last?.type === 'WORKFLOW_EXECUTION_UPDATE_COMPLETED') {
    const outcome = last.attributes['outcome'] as Attributes | undefined;
    return outcome?.['failure'] ? 'failed' : 'completed';
  }
  if (last?.type === 'MARKER_RECORDED' && last.attributes['failure']) return 'failed';
  return last?.kind.outcome;
}

function insertById(list: EventView[], event: EventView): void {
  let at = list.length;
  while (at > 0 && (list[at - 1] as EventView).id > event.id) at--;
  list.splice(at, 0, event);
}

export class HistoryLog {
  // Two halves that grow outwards from the event that came first, so that neither end ever moves.
  readonly #older: EventView[] = [];
  readonly #newer: EventView[] = [];
  readonly #steps = new Map<string, Step>();
  #ordered: Step[] = [];
  #orderDirty = false;
  #pivot = 0;
  /** Rises with each page. */
  version = 0;

  get size(): number {
    return this.#older.length + this.#newer.length;
  }

  /** Lowest and highest loaded id; 0 while nothing is. */
  get first(): number {
    return this.size === 0 ? 0 : this.#pivot - this.#older.length;
  }

  get last(): number {
    return this.size === 0 ? 0 : this.#pivot + this.#newer.length - 1;
  }

  /** Whether the beginning is loaded. */
  get complete(): boolean {
    return this.first === 1;
  }

  get(id: number): EventView | undefined {
    return id >= this.#pivot ? this.#newer[id - this.#pivot] : this.#older[this.#pivot - 1 - id];
  }

  /** The event at a place among the loaded ones, 0 being the oldest. */
  at(index: number): EventView | undefined {
    return this.get(this.first + index);
  }

  /** Events of a page in any order. Those that are known, or would leave a hole, are left out. */
  add(page: readonly HistoryEvent[]): number {
    const events = page.map(viewEvent).sort((a, b) => a.id - b.id);
    const low = events[0];
    if (!low) return 0;
    let added = 0;
    if (this.size === 0) this.#pivot = low.id;
    for (const event of events) {
      if (event.id !== this.last + 1 && this.size > 0) continue;
      this.#newer.push(event);
      this.#file(event);
      added++;
    }
    for (let i = events.length - 1; i >= 0; i--) {
      const event = events[i] as EventView;
      if (event.id !== this.first - 1) continue;
      this.#older.push(event);
      this.#file(event);
      added++;
    }
    if (added > 0) this.version++;
    return added;
  }

  #file(event: EventView): void {
    const [key, anchor] = stepOf(event.id, event.kind, event.attributes);
    let step = this.#steps.get(key);
    if (!step) {
      step = {
        key,
        kind: event.kind.step,
        category: event.category,
        anchor,
        events: [],
        outcome: undefined,
        version: 0,
      };
      this.#steps.set(key, step);
      this.#ordered.push(step);
      this.#orderDirty = true;
    } else if (anchor < step.anchor) {
      step.anchor = anchor;
      this.#orderDirty = true;
    }
    insertById(step.events, event);
    const role = event.kind.role;
    if (role === 'open' || role === 'start' || role === 'close') step[role] = event;
    step.outcome = outcomeOf(step);
    step.version++;
  }

  step(key: string): Step | undefined {
    return this.#steps.get(key);
  }

  /** Steps by the id of their first event, oldest first. The array is new when its content changed. */
  steps(): readonly Step[] {
    if (this.#orderDirty) {
      this.#ordered = this.#ordered.slice().sort((a, b) => a.anchor - b.anchor);
      this.#orderDirty = false;
    }
    return this.#ordered;
  }

  /** The other events that an event names, and those of its step. */
  related(event: EventView): EventView[] {
    const ids = new Set<number>();
    for (const other of this.step(event.step)?.events ?? []) ids.add(other.id);
    for (const field of linkFields) {
      const id = idOf(event.attributes[field]);
      if (id > 0) ids.add(id);
    }
    ids.delete(event.id);
    return [...ids]
      .sort((a, b) => a - b)
      .map((id) => this.get(id))
      .filter((e) => e !== undefined);
  }
}

const linkFields = [
  'scheduledEventId',
  'startedEventId',
  'initiatedEventId',
  'acceptedEventId',
  'requestedEventId',
  'workflowTaskCompletedEventId',
  'latestCancelRequestedEventId',
];

export function eventTime(event: EventView | undefined): number {
  return event ? event.timeMs : NaN;
}
