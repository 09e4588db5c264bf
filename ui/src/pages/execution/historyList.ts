/** What the history page lists: steps or events, filtered without holding up the page. */
import { useEffect, useMemo, useState } from 'react';
import type { EventView, Step } from '@/model/history';
import { searchEvents, searchSteps, type HistoryFilter, type Search } from '@/model/filter';
import { readings } from '@/model/payloads';
import { stepPayloads, useDecoding } from './parts/codec';
import { useRun } from './run';

export type Item = EventView | Step;

export interface HistoryList {
  readonly length: number;
  readonly at: (index: number) => Item | undefined;
  /** Where a row is, by its key; -1 while it is not there. */
  readonly indexOf: (key: string) => number;
  /** How far a search has come. */
  readonly share: number;
  readonly filtered: boolean;
  /** How many there are without the filter. */
  readonly of: number;
}

export function isStep(item: Item): item is Step {
  return 'anchor' in item;
}

/** A step's key, an event's id: also what an address names. */
export function keyOf(item: Item): string {
  return isStep(item) ? item.key : String(item.id);
}

const sliceMs = 8;
/** A search has so many payloads decoded, the newest; others are searched once they were shown. */
const decodedMax = 2000;

function finder(items: readonly Item[]): (key: string) => number {
  const byKey = new Map<string, number>();
  let filled = false;
  return (key) => {
    if (!filled) items.forEach((item, i) => byKey.set(keyOf(item), i));
    filled = true;
    return byKey.get(key) ?? -1;
  };
}

function listOf(items: readonly Item[], rest: Pick<HistoryList, 'share' | 'filtered' | 'of'>): HistoryList {
  return { length: items.length, at: (i) => items[i], indexOf: finder(items), ...rest };
}

export function useHistoryList(options: HistoryFilter & { full: boolean }): HistoryList {
  const { full, text, hidden, troubled } = options;
  const { state } = useRun();
  const { log, version } = state;
  const plain = text.trim() === '' && hidden.size === 0 && !troubled;
  const wanted = useMemo(
    () => (text.trim() === '' ? [] : log.steps().flatMap(stepPayloads).slice(-decodedMax)),
    [text.trim() === '', log, version],
  );
  useDecoding(() => wanted);
  const read = readings();
  const [found, setFound] = useState<{ items: readonly Item[]; share: number; of: number }>();
  useEffect(() => {
    if (plain) return;
    const filter = { text, hidden, troubled };
    const search: Search<EventView> | Search<Step> = full
      ? searchEvents(log, filter)
      : searchSteps(log.steps(), filter);
    const of = full ? log.size : log.steps().length;
    let timer: ReturnType<typeof setTimeout>;
    const work = (): void => {
      const done = search.run(sliceMs);
      if (done) setFound({ items: search.found, share: 1, of });
      else {
        setFound((before) => ({ items: before?.items ?? [], share: search.share, of }));
        timer = setTimeout(work, 0);
      }
    };
    work();
    return () => clearTimeout(timer);
  }, [plain, full, text, hidden, troubled, log, version, read]);
  return useMemo(() => {
    if (!plain) {
      return listOf(found?.items ?? [], { share: found?.share ?? 0, filtered: true, of: found?.of ?? 0 });
    }
    if (!full) return listOf(log.steps(), { share: 1, filtered: false, of: log.steps().length });
    return {
      length: log.size,
      at: (i) => log.at(i),
      indexOf: (key) => (log.get(Number(key)) ? Number(key) - log.first : -1),
      share: 1,
      filtered: false,
      of: log.size,
    };
    // The log changes in place: its version says when.
  }, [plain, full, found, log, version]);
}
