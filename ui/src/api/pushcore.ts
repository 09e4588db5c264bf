/**
 * The one push stream of a browser: which topics are wanted, where each one stands (its cursor), and a
 * connection that is opened anew whenever that set changes or the old one ends. It runs inside the shared
 * worker, or in the page where there is none, and knows neither.
 *
 * What always holds: at most one stream is open; a topic that several ask for is subscribed once; what
 * arrived before is not asked for again, except for a newcomer, who needs a whole picture; who is not
 * told of changes is told that, by an error event.
 */
import type {
  DescribeExecution,
  ExecutionInfo,
} from '@/model/proto';

export interface RunTopic {
  run: { namespace: string; execution: { workflowId: string; runId: string } };
}
export interface ListTopic {
  list: { namespace: string; query: string; pageSize: number; orderBy?: string };
}
export interface CountTopic {
  count: { namespace: string; query: string };
}
export interface TaskQueuesTopic {
  taskQueues: { namespace: string };
}
export interface FiguresTopic {
  figures: { kind: string; namespace?: string; name?: string };
}
export type Topic = RunTopic | ListTopic | CountTopic | TaskQueuesTopic | FiguresTopic;

/** A line of the stream: proto/skald/api/v1/stream.proto says what each type holds. */
export interface StreamEvent {
  type: string;
  subscription?: string;
  cursor?: string;
  hello?: { instance?: string; heartbeatMs?: string; serverTime?: string; version?: string };
  list?: {
    snapshot?: boolean;
    executions?: ExecutionInfo[];
    runIds?: string[];
    more?: boolean;
    shortPage?: boolean;
  };
  count?: {
    count?: string;
    groups?: { status?: string; count?: string }[];
    approximate?: boolean;
  };
  run?: { lastEventId?: string; describe?: DescribeExecution; deleted?: boolean };
  taskQueues?: unknown;
  figures?: unknown;
  error?: { code?: number; message?: string };
  bye?: { retryMs?: string };
}

/** live: events come; connecting: they will; none: the server has no stream, so pages must ask. */
export type PushStatus = 'idle' | 'connecting' | 'live' | 'none';

export type TopicListener = (event: StreamEvent) => void;

interface Subscription {
  readonly id: string;
  readonly topic: Topic;
  cursor: string;
  /** The server would not serve it; not asked for again. */
  refused: boolean;
  readonly listeners: Set<TopicListener>;
}

export interface PushOptions {
  readonly url: string;
  readonly fetch?: typeof fetch;
  readonly onStatus?: (status: PushStatus) => void;
}

/** As many as one request may name. */
export const subscriptionsMax = 32;
const gatherMs = 30;
const retryFirstMs = 500;
const retryMaxMs = 15_000;
/** A server without the method may be replaced by one that has it. */
const retryAbsentMs = 60_000;
const heartbeatDefaultMs = 10_000;
/** A line longer than this is not one of ours. */
const lineMax = 64 << 20;

export class PushCore {
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #options: PushOptions;
  #count = 0;
  #status: PushStatus = 'idle';
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #heartbeatMs = heartbeatDefaultMs;
  #retryMs = retryFirstMs;
  #suspended = false;

  constructor(options: PushOptions) {
    this.#options = options;
  }

  get status(): PushStatus {
    return this.#status;
  }

  subscribe(topic: Topic, listener: TopicListener): () => void {
    const key = JSON.stringify(topic);
    let subscription = this.#subscriptions.get(key);
    if (!subscription || subscription.refused) {
      subscription = { id: `s${++this.#count}`, topic, cursor: '', refused: false, listeners: new Set() };
      this.#subscriptions.set(key, subscription);
    } else {
      subscription.cursor = '';
      this.#subscriptions.delete(key); // last again, as the newest
      this.#subscriptions.set(key, subscription);
    }
    const own = subscription;
    own.listeners.add(listener);
    this.#reopenSoon(gatherMs);
    return () => {
      if (!own.listeners.delete(listener) || own.listeners.size > 0) return;
      if (this.#subscriptions.get(key) === own) this.#subscriptions.delete(key);
      this.#reopenSoon(gatherMs);
    };
  }

  /** Closes the stream and keeps the cursors: for a page that nobody sees. */
  suspend(): void {
    this.#suspended = true;
    this.#close();
    this.#set('idle');
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.#reopenSoon(0);
  }

  #set(status: PushStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#options.onStatus?.(status);
  }

  #close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#timer = undefined;
    this.#abort?.abort();
    this.#abort = undefined;
  }

  #reopenSoon(afterMs: number): void {
    clearTimeout(this.#timer);
    if (this.#suspended) return;
    this.#timer = setTimeout(() => this.#open(), afterMs);
  }

  /** The newest ones, as many as one stream has; to the others it is said that they are left out. */
  #wanted(): Subscription[] {
    const all = [...this.#subscriptions.values()].filter((s) => !s.refused);
    const left = all.slice(0, Math.max(0, all.length - subscriptionsMax));
    for (const subscription of left) {
      subscription.cursor = ''; // what it misses, the whole picture tells when it has a place again
      for (const listener of [...subscription.listeners]) listener({ type: 'error', subscription: subscription.id });
    }
    return all.slice(left.length);
  }

  #open(): void {
    this.#close();
    const wanted = this.#wanted();
    if (wanted.length === 0) return this.#set('idle');
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#status !== 'live') this.#set(this.#status === 'none' ? 'none' : 'connecting');
    void this.#read(wanted, abort.signal).then(
      (retryMs) => this.#ended(abort, retryMs),
      () => this.#ended(abort, undefined),
    );
  }

  #ended(abort: AbortController, retryMs: number | undefined): void {
    if (this.#abort !== abort) return; // another stream has taken its place
    this.#abort = undefined;
    clearTimeout(this.#watchdog);
    if (retryMs === retryAbsentMs) this.#set('none');
    else this.#set('connecting');
    const wait = retryMs ?? this.#retryMs * (0.75 + Math.random() / 2);
    if (retryMs === undefined) this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
    this.#reopenSoon(wait);
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    const abort = this.#abort;
    this.#watchdog = setTimeout(() => {
      if (abort && this.#abort === abort) this.#open();
    }, this.#heartbeatMs * 3);
  }

  /** Reads one stream to its end; resolves to how long to wait where the server says so. */
  async #read(wanted: readonly Subscription[], signal: AbortSignal): Promise<number | undefined> {
    const fetcher = this.#options.fetch ?? fetch;
    this.#watch();
    const response = await fetcher(this.#options.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/x-ndjson' },
      credentials: 'same-origin',
      signal,
      body: JSON.stringify({
        subscriptions: wanted.map((s) => ({
          id: s.id,
          ...(s.cursor ? { cursor: s.cursor } : {}),
          ...s.topic,
        })),
      }),
    });
    if (response.status === 404 || response.status === 405 || response.status === 501) {
      return retryAbsentMs;
    }
    if (!response.ok || !response.body) throw new Error(String(response.status));
    const byId = new Map(wanted.map((s) => [s.id, s]));
    let retryMs: number | undefined;
    for await (const line of lines(response.body)) {
      if (signal.aborted) return undefined;
      this.#watch();
      const event = JSON.parse(line) as StreamEvent;
      if (event.type === 'bye') retryMs = Number(event.bye?.retryMs ?? retryFirstMs);
      else this.#take(event, byId);
    }
    return retryMs;
  }

  #take(event: StreamEvent, byId: ReadonlyMap<string, Subscription>): void {
    if (event.type === 'hello') {
      this.#heartbeatMs = Number(event.hello?.heartbeatMs ?? heartbeatDefaultMs) || heartbeatDefaultMs;
      this.#retryMs = retryFirstMs;
      this.#set('live');
      return;
    }
    const subscription = byId.get(event.subscription ?? '');
    if (!subscription) return;
    if (event.type === 'reset') subscription.cursor = '';
    else if (event.cursor) subscription.cursor = event.cursor;
    if (event.type === 'error') subscription.refused = true;
    for (const listener of [...subscription.listeners]) listener(event);
  }
}

/** Lines of a body, as they arrive. */
export async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      rest += decoder.decode(value, { stream: true });
      let from = 0;
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
        const line = rest.slice(from, end).trim();
        if (line) yield line;
        from = end + 1;
      }
      rest = rest.slice(from);
      if (rest.length > lineMax) throw new Error('line too long');
    }
    if (rest.trim()) yield rest.trim();
  } finally {
    await reader.cancel().catch(() => {});
  }
}
