import { isCode } from '@/api/errors';
import type { StreamEvent } from '@/api/pushcore';
import { listWorkflows } from '@/api/workflows';
import {
  append,
  apply,
  emptyList,
  type FirstPage,
  firstLoad,
  hold,
  type LiveList,
  release,
  rowKey,
} from '@/model/live-list';
import { comparing, type Order, orderBy } from '@/model/order';
import type { ExecutionInfo } from '@/model/proto';

export const pageSize = 100;
const deepPageSize = 500;
const quietMs = 500; // from the hand's leaving to rows' moving
const keptMax = 8;

export interface ListState {
  readonly list: LiveList;
  readonly status: 'loading' | 'ready' | 'failed';
  readonly error?: unknown;
  readonly loadingMore: boolean;
  /** Rows leave faster than the server reads those behind them: the first page is not whole. */
  readonly behind?: boolean;
}

/**
 * One list of runs: what is loaded of it, and how new pages of the server get into it. Outlives its page, so
 * that Back shows it as it was left.
 */
export class ListStore {
  #state: ListState = { list: emptyList, status: 'loading', loadingMore: false };
  #held = false;
  #asking: Promise<void> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #pushed = new Map<string, ExecutionInfo>();
  readonly #listeners = new Set<() => void>();
  readonly #compare;
  readonly orderBy: string | undefined;

  constructor(
    readonly ns: string,
    readonly query: string,
    order: Order | undefined,
  ) {
    this.#compare = comparing(order);
    this.orderBy = orderBy(order);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): ListState => this.#state;

  /** Asks for the first page, and shows it as far as nothing is moved that shall not be. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async loadMore(): Promise<void> {
    const { next } = this.#state.list;
    if (!next || this.#state.loadingMore) return;
    this.#set({ loadingMore: true });
    try {
      const page = await listWorkflows(this.ns, this.query, {
        pageSize: deepPageSize,
        orderBy: this.orderBy,
        nextPageToken: next,
      });
      this.#set({ list: append(this.#state.list, page.executions ?? [], page.nextPageToken), loadingMore: false });
    } catch (error) {
      this.#set({ loadingMore: false, error });
    }
  }

  /** Whether rows must stay where they are. */
  setHeld(held: boolean) {
    this.#held = held;
    clearTimeout(this.#quiet);
    if (!held && this.#state.list.held) this.#quiet = setTimeout(() => this.showFresh(), quietMs);
  }

  readonly showFresh = () => {
    if (this.#state.list.held) this.#set({ list: release(this.#state.list, this.#compare) });
  };

  /** An event of the stream about this list. */
  readonly take = (event: StreamEvent) => {
    if (event.type === 'reset') this.#pushed.clear();
    if (!event.list) return;
    if (event.list.snapshot) this.#pushed.clear();
    for (const row of event.list.executions ?? []) this.#pushed.set(rowKey(row), row);
    const rows = (event.list.runIds ?? []).flatMap((id) => this.#pushed.get(id) ?? []);
    this.#pushed = new Map(rows.map((row) => [rowKey(row), row]));
    this.#take({ rows, more: event.list.more ?? false }, event.list.shortPage);
  };

  async #ask(): Promise<void> {
    try {
      const answer = await listWorkflows(this.ns, this.query, { pageSize, orderBy: this.orderBy });
      const rows = answer.executions ?? [];
      if (this.#state.list.rows.length === 0)
        this.#set({ list: firstLoad(rows, answer.nextPageToken), status: 'ready', error: undefined });
      else this.#take({ rows, more: Boolean(answer.nextPageToken) });
    } catch (error) {
      const lost = this.#state.status === 'ready' && isCode(error, 'UNAVAILABLE');
      this.#set(lost ? { error } : { status: 'failed', error });
    }
  }

  #take(page: FirstPage, behind = false) {
    const { list } = this.#state;
    if (this.#state.status !== 'ready') return; // the answer with the token for deeper pages comes first
    const next = this.#held ? hold(list, page, this.#compare) : apply(list, page, this.#compare);
    this.#set({ list: next, status: 'ready', error: undefined, behind });
  }

  #set(change: Partial<ListState>) {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

const kept = new Map<string, ListStore>();

export function listStore(ns: string, query: string, order: Order | undefined): ListStore {
  const key = `${ns}\n${orderBy(order) ?? ''}\n${query}`;
  const store = kept.get(key) ?? new ListStore(ns, query, order);
  kept.delete(key);
  kept.set(key, store); // the latest last
  for (const old of [...kept.keys()].slice(0, -keptMax)) kept.delete(old);
  return store;
}
