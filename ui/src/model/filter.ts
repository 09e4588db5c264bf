/** Which steps and events a reader wants: words or a regular expression, categories, what went wrong. */

import type { Category } from './events';
import { eventDetail, eventName, stepName } from './describe';
import type { EventView, HistoryLog, Step } from './history';
import { decodePayload, readings } from './payloads';
import type { Payload } from './proto';

export interface Matcher {
  readonly test: (text: string) => boolean;
  /** Why the expression cannot be used; then everything matches. */
  readonly error?: string;
}

/** `/…/` and `/…/i` are expressions; anything else is words, which must all occur, in any order. */
export function matcher(input: string): Matcher {
  const query = input.trim();
  const regex = /^\/(.*)\/([imsu]*)$/s.exec(query);
  if (regex) {
    try {
      const compiled = new RegExp(regex[1] ?? '', regex[2]);
      return { test: (text) => compiled.test(text) };
    } catch (error) {
      return { test: () => true, error: error instanceof Error ? error.message : String(error) };
    }
  }
  const parts = query.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = parts.filter((p) => !(p.startsWith('-') && p.length > 1));
  const unwanted = parts.filter((p) => p.startsWith('-') && p.length > 1).map((p) => p.slice(1));
  return {
    test: (text) => {
      const low = text.toLowerCase();
      return wanted.every((p) => low.includes(p)) && !unwanted.some((p) => low.includes(p));
    },
  };
}

/** How much of one payload is searched. */
const searchedMax = 4000;

function collect(value: unknown, out: string[], depth: number): void {
  if (typeof value === 'string') out.push(value);
  else if (typeof value === 'number') out.push(String(value));
  else if (Array.isArray(value)) for (const one of value) collect(one, out, depth + 1);
  else if (value !== null && typeof value === 'object' && depth < 20) {
    const payload = value as Payload;
    if (payload.metadata !== undefined && typeof payload.metadata === 'object') {
      out.push(decodePayload(payload).text.slice(0, searchedMax));
      return;
    }
    for (const one of Object.values(value)) collect(one, out, depth + 1);
  }
}

const texts = new WeakMap<EventView, { text: string; readings: number }>();

/** All that an event says: its name, ids, queues, workers, failures, and its payloads' text. */
export function eventText(event: EventView): string {
  const known = texts.get(event);
  if (known?.readings === readings()) return known.text;
  const out = [String(event.id), event.type, eventName(event)];
  if (event.category === 'marker') out.push(eventDetail(event));
  collect(event.attributes, out, 0);
  if (event.raw.userMetadata) collect(event.raw.userMetadata, out, 0);
  const text = out.join('\n');
  texts.set(event, { text, readings: readings() });
  return text;
}

function stepMatches(step: Step, m: Matcher): boolean {
  return m.test([stepName(step), ...step.events.map(eventText)].join('\n'));
}

export interface HistoryFilter {
  readonly text: string;
  /** Categories that are left out. */
  readonly hidden: ReadonlySet<Category>;
  /** Only what failed, timed out or is not finished. */
  readonly troubled: boolean;
}

export function isTroubled(step: Step): boolean {
  switch (step.outcome) {
    case 'failed':
    case 'timedOut':
    case 'rejected':
    case 'terminated':
    case 'scheduled':
    case 'running':
    case 'retrying':
      return true;
    default:
      return Number(step.start?.attributes['attempt'] ?? 1) > 1;
  }
}

/** A search over many items that lets the page breathe: it works for a while, then hands back. */
export class Search<T> {
  readonly found: T[] = [];
  #at = 0;

  constructor(
    private readonly items: readonly T[],
    private readonly wanted: (item: T) => boolean,
  ) {}

  get done(): boolean {
    return this.#at >= this.items.length;
  }

  get share(): number {
    return this.items.length === 0 ? 1 : this.#at / this.items.length;
  }

  /** Goes on for about so many milliseconds. Whether it is done. */
  run(forMs: number, now: () => number = () => performance.now()): boolean {
    const until = now() + forMs;
    while (this.#at < this.items.length) {
      const end = Math.min(this.#at + 64, this.items.length);
      for (; this.#at < end; this.#at++) {
        const item = this.items[this.#at] as T;
        if (this.wanted(item)) this.found.push(item);
      }
      if (now() >= until) break;
    }
    return this.done;
  }
}

export function searchSteps(steps: readonly Step[], filter: HistoryFilter): Search<Step> {
  const m = matcher(filter.text);
  const all = filter.text.trim() === '';
  return new Search(
    steps,
    (step) =>
      !filter.hidden.has(step.category) &&
      (!filter.troubled || isTroubled(step)) &&
      (all || stepMatches(step, m)),
  );
}

export function searchEvents(log: HistoryLog, filter: HistoryFilter): Search<EventView> {
  const m = matcher(filter.text);
  const all = filter.text.trim() === '';
  const events: EventView[] = [];
  for (let i = 0; i < log.size; i++) {
    const event = log.at(i);
    if (event) events.push(event);
  }
  return new Search(events, (event) => {
    if (filter.hidden.has(event.category)) return false;
    if (filter.troubled) {
      const step = log.step(event.step);
      if (step && !isTroubled(step)) return false;
    }
    return all || m.test(eventText(event));
  });
}
