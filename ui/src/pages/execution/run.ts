import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { RunId } from '@/api/executions';
import type { TimelineContext } from '@/model/timeline';
import { RunStore, type RunState } from './runStore';

export interface Run {
  readonly store: RunStore;
  readonly state: RunState;
  /** None for a history that came from a file. */
  readonly id: RunId | undefined;
  /** Of such a history: its file, and how to go to one of its events. */
  readonly fileName?: string;
  readonly openEvent?: (event: number) => void;
}

export const RunContext = createContext<Run | undefined>(undefined);

/** The run that the page is about. */
export function useRun(): Run {
  const run = useContext(RunContext);
  if (!run) throw new Error('no run around this component');
  return run;
}

/** Loads and follows a run while the component is on the page. */
export function useRunStore(store: RunStore): RunState {
  useEffect(() => store.use(), [store]);
  return useSyncExternalStore(store.subscribe, store.get);
}

/** The present, renewed so often; while nothing is under way it stands still. */
export function useTick(everyMs: number, live: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!live) return;
    const tick = (): void => {
      if (!document.hidden) setNow(Date.now());
    };
    tick();
    const timer = setInterval(tick, everyMs);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [everyMs, live]);
  return now;
}

export function isOpen(state: RunState): boolean {
  return Number.isNaN(state.closeMs) && !state.deleted;
}

/** The same object until something in it changes, so that rows need not be made anew. */
export function useTimelineContext(state: RunState, nowMs: number): TimelineContext {
  const next = timelineContext(state, nowMs);
  const kept = useRef(next);
  const before = kept.current;
  const same =
    before.nowMs === next.nowMs &&
    before.startMs === next.startMs &&
    Object.is(before.closeMs, next.closeMs) &&
    before.pending === next.pending;
  if (!same) kept.current = next;
  return kept.current;
}

/** What the waterfall needs to know of a run at one moment. */
export function timelineContext(state: RunState, nowMs: number): TimelineContext {
  return {
    nowMs: Math.max(nowMs, state.log.get(state.log.last)?.timeMs ?? nowMs),
    startMs: Number.isNaN(state.startMs) ? (state.firstEvent?.timeMs ?? nowMs) : state.startMs,
    closeMs: state.closeMs,
    pending: state.pending,
  };
}
