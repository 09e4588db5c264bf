/**
 * One run as its pages see it: what the server says of it now, and its history, newest page first and
 * the rest in the background. While the run is open it follows it: by the push stream where there is
 * one, else by asking, less and less often while nothing happens.
 *
 * Listeners hear at most every `tellEveryMs` while pages stream in, so that rendering costs the same
 * however long the history is.
 */
import { isCode } from '@/api/errors';
import {
  describeRun,
  historyForward,
  historyPageMax,
  historyReverse,
  type RunId,
} from '@/api/executions';
import { pushStatus, subscribe } from '@/api/push';
import type { StreamEvent } from '@/api/pushcore';
import { HistoryLog, viewEvent, type EventView } from '@/model/history';
import { idOf, timeMs, type DescribeExecution, type HistoryEvent } from '@/model/proto';
import { pendingIndex, type PendingIndex } from '@/model/timeline';

export interface RunState {
  readonly describe: DescribeExecution | undefined;
  readonly log: HistoryLog;
  /** log.version of this state: a new state each time, so that React sees the change. */
  readonly version: number;
  /** The first event, which holds the input: there before the pages between are. */
  readonly firstEvent: EventView | undefined;
  readonly pending: PendingIndex;
  readonly startMs: number;
  /** NaN while the run is open. */
  readonly closeMs: number;
  /** How many events there are, as far as is known. */
  readonly total: number;
  readonly loading: 'first' | 'older' | 'done' | 'paused';
  readonly error: unknown;
  /** A history page failed; the run's own state is shown. */
  readonly historyError: unknown;
  readonly deleted: boolean;
}

const tellEveryMs = 200;
const pollFirstMs = 1500;
const pollMaxMs = 12_000;

function stateOf(describe: DescribeExecution | undefined, log: HistoryLog): RunState {
  return {
    describe,
    log,
    version: 0,
    firstEvent: undefined,
    pending: pendingIndex(),
    startMs: NaN,
    closeMs: NaN,
    total: 0,
    loading: 'first',
    error: undefined,
    historyError: undefined,
    deleted: false,
  };
}

const closeTypes = /^WORKFLOW_EXECUTION_(COMPLETED|FAILED|TIMED_OUT|CANCELED|TERMINATED|CONTINUED_AS_NEW)$/;

export class RunStore {
  #state: RunState;
  readonly #listeners = new Set<() => void>();
  #users = 0;
  #abort: AbortController | undefined;
  #stopPush: (() => void) | undefined;
  #told = true; // of its changes, where there is a stream
  #pollTimer: ReturnType<typeof setTimeout> | undefined;
  #pollMs = pollFirstMs;
  #tellTimer: ReturnType<typeof setTimeout> | undefined;
  #newerRunning = false;
  #olderToken: string | undefined;
  #wantedLast = 0;

  constructor(readonly id: RunId | undefined) {
    this.#state = stateOf(undefined, new HistoryLog());
  }

  /** A history that came from a file: complete, closed to the server. */
  static ofEvents(events: readonly HistoryEvent[]): RunStore {
    const store = new RunStore(undefined);
    const { log } = store.#state;
    log.add(events);
    const first = log.at(0);
    const last = log.get(log.last);
    store.#state = {
      ...store.#state,
      version: 1,
      firstEvent: first,
      startMs: first?.timeMs ?? NaN,
      closeMs: last && closeTypes.test(last.type) ? last.timeMs : NaN,
      total: log.last,
      loading: 'done',
    };
    return store;
  }

  readonly get = (): RunState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Loads and follows while somebody uses it. */
  use(): () => void {
    if (this.id && this.#users++ === 0) this.#start(this.id);
    return () => {
      if (this.id && --this.#users === 0) this.#stop();
    };
  }

  #start(id: RunId): void {
    const abort = new AbortController();
    this.#abort = abort;
    document.addEventListener('visibilitychange', this.#seen);
    void this.#describe(id, abort.signal);
    void this.#begin(id, abort.signal);
  }

  #stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.#stopPush?.();
    this.#stopPush = undefined;
    this.#newerRunning = false;
    clearTimeout(this.#pollTimer);
    document.removeEventListener('visibilitychange', this.#seen);
  }

  readonly #seen = (): void => {
    if (document.hidden || !this.id || !this.#abort) return;
    this.#pollMs = pollFirstMs;
    this.#poll(this.id, this.#abort.signal, 0);
  };

  #change(change: Partial<RunState>, now = true): void {
    this.#state = { ...this.#state, ...change, version: this.#state.version + 1 };
    if (now) this.#tell();
    else this.#tellTimer ??= setTimeout(() => this.#tell(), tellEveryMs);
  }

  #tell(): void {
    clearTimeout(this.#tellTimer);
    this.#tellTimer = undefined;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Asks again for what failed, and at once. */
  refresh(): void {
    const signal = this.#abort?.signal;
    if (!this.id || !signal) return;
    this.#pollMs = pollFirstMs;
    if (this.#state.log.size === 0) void this.#begin(this.id, signal);
    else if (this.#state.historyError) {
      this.#change({ historyError: undefined });
      void this.#older(this.id, signal);
    }
    void this.#describe(this.id, signal);
  }

  // ---- what the server says of the run ----------------------------------------------------------

  async #describe(id: RunId, signal: AbortSignal): Promise<void> {
    try {
      this.#take(await describeRun(id, signal));
    } catch (error) {
      if (signal.aborted) return;
      if (isCode(error, 'NOT_FOUND') && this.#state.describe) this.#change({ deleted: true });
      else if (!this.#state.describe) this.#change({ error });
    }
    this.#follow(id, signal);
  }

  #take(describe: DescribeExecution): boolean {
    const info = describe.workflowExecutionInfo;
    const before = this.#state;
    const changed = JSON.stringify(describe) !== JSON.stringify(before.describe);
    if (!changed) return false;
    this.#change({
      describe,
      error: undefined,
      startMs: timeMs(info?.startTime),
      closeMs: timeMs(info?.closeTime),
      total: Math.max(idOf(info?.historyLength), before.log.last),
      pending: pendingIndex(describe.pendingActivities, describe.pendingChildren),
    });
    this.#reach(idOf(info?.historyLength));
    return true;
  }

  get #open(): boolean {
    const { describe, deleted } = this.#state;
    const status = describe?.workflowExecutionInfo?.status;
    if (deleted) return false;
    return status === undefined || /_(RUNNING|PAUSED)$/.test(status);
  }

  #follow(id: RunId, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (!this.#open) {
      this.#stopPush?.();
      this.#stopPush = undefined;
      return;
    }
    const { ns, workflowId, runId } = id;
    this.#stopPush ??= subscribe(
      { run: { namespace: ns, execution: { workflowId, runId } } },
      (event) => this.#pushed(event),
    );
    this.#poll(id, signal, this.#pollMs);
  }

  #pushed(event: StreamEvent): void {
    this.#told = event.type !== 'error';
    if (event.run?.deleted) this.#change({ deleted: true });
    if (event.run?.describe) this.#take(event.run.describe);
    this.#reach(idOf(event.run?.lastEventId));
    if (!this.#open) {
      this.#stopPush?.();
      this.#stopPush = undefined;
    }
  }

  #poll(id: RunId, signal: AbortSignal, afterMs: number): void {
    clearTimeout(this.#pollTimer);
    if (signal.aborted || !this.#open) return;
    this.#pollTimer = setTimeout(() => {
      if (document.hidden || !this.#open) return; // #seen goes on
      if (this.#told && pushStatus() === 'live') return this.#poll(id, signal, pollMaxMs);
      const before = this.#state.version;
      void this.#describe(id, signal).then(() => {
        this.#pollMs =
          this.#state.version !== before ? pollFirstMs : Math.min(this.#pollMs * 1.3, pollMaxMs);
      });
    }, afterMs);
  }

  // ---- its history ------------------------------------------------------------------------------

  async #begin(id: RunId, signal: AbortSignal): Promise<void> {
    if (this.#state.log.size > 0) {
      // Shown before: catch up, and go on where the loading stopped.
      if (this.#state.loading !== 'done') void this.#older(id, signal);
      return;
    }
    void this.#firstEvent(id, signal);
    try {
      const page = await historyReverse(id, { signal });
      this.#olderToken = page.nextPageToken;
      this.#add(page.history?.events ?? [], true);
    } catch (error) {
      if (!signal.aborted) this.#change({ historyError: error });
      return;
    }
    this.#reach(this.#wantedLast);
    void this.#older(id, signal);
  }

  async #firstEvent(id: RunId, signal: AbortSignal): Promise<void> {
    try {
      const page = await historyForward(id, { maximumPageSize: 1, signal });
      const event = page.history?.events?.[0];
      if (event) this.#change({ firstEvent: viewEvent(event) });
    } catch {
      // It comes with the last page of the history.
    }
  }

  #add(events: readonly HistoryEvent[], now: boolean): void {
    const { log } = this.#state;
    log.add(events);
    const firstEvent = this.#state.firstEvent ?? log.get(1);
    this.#change(
      {
        firstEvent,
        historyError: undefined,
        total: Math.max(this.#state.total, log.last),
        loading: log.complete ? 'done' : 'older',
      },
      now,
    );
  }

  async #older(id: RunId, signal: AbortSignal): Promise<void> {
    while (!this.#state.log.complete && !signal.aborted) {
      const before = this.#state.log.first;
      try {
        const page = await historyReverse(id, { nextPageToken: this.#olderToken, signal });
        this.#olderToken = page.nextPageToken;
        this.#add(page.history?.events ?? [], false);
      } catch (error) {
        if (!signal.aborted) this.#change({ historyError: error, loading: 'paused' });
        return;
      }
      if (this.#state.log.first === before && !this.#olderToken) break;
      // Input and painting come first.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    if (!signal.aborted) this.#change({ loading: 'done' });
  }

  /** Reads newer events until the given one is there. */
  #reach(last: number): void {
    this.#wantedLast = Math.max(this.#wantedLast, last);
    const signal = this.#abort?.signal;
    const { log } = this.#state;
    if (!this.id || !signal || this.#newerRunning || log.size === 0) return;
    if (this.#wantedLast <= log.last) return;
    this.#newerRunning = true;
    void this.#newer(this.id, signal).finally(() => {
      if (signal.aborted) return;
      this.#newerRunning = false;
      if (this.#wantedLast > this.#state.log.last) {
        setTimeout(() => this.#reach(this.#wantedLast), pollFirstMs);
      }
    });
  }

  async #newer(id: RunId, signal: AbortSignal): Promise<void> {
    const { log } = this.#state;
    const found: HistoryEvent[] = [];
    let nextPageToken: string | undefined;
    try {
      do {
        const missing = this.#wantedLast - log.last - found.length;
        const maximumPageSize = Math.min(Math.max(missing + 8, 16), historyPageMax);
        const page = await historyReverse(id, { nextPageToken, maximumPageSize, signal });
        const events = page.history?.events ?? [];
        found.push(...events);
        nextPageToken = page.nextPageToken;
        const lowest = idOf(events.at(-1)?.eventId);
        if (lowest <= log.last + 1 || events.length === 0) break;
      } while (nextPageToken);
    } catch {
      return; // asked for again with the next change
    }
    if (!signal.aborted) this.#add(found, true);
  }
}

const kept: RunStore[] = [];
const keptMax = 6;

/** The store of a run; the latest few are kept, so that going back shows them at once. */
export function runStore(id: RunId): RunStore {
  const found = kept.findIndex(
    (s) => s.id?.ns === id.ns && s.id.workflowId === id.workflowId && s.id.runId === id.runId,
  );
  const store = found >= 0 ? (kept.splice(found, 1)[0] as RunStore) : new RunStore(id);
  kept.push(store);
  if (kept.length > keptMax) kept.shift();
  return store;
}
