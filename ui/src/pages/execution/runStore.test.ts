// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Story } from '@/model/fixtures';
import type { DescribeExecution, HistoryEvent } from '@/model/proto';

type PushListener = (event: { type: string; run?: object }) => void;
const push = vi.hoisted(() => ({ listeners: new Set<unknown>(), status: 'none' }));

vi.mock('@/api/push', () => ({
  pushStatus: () => push.status,
  subscribe: (_topic: unknown, listener: unknown) => {
    push.listeners.add(listener);
    return () => push.listeners.delete(listener);
  },
}));

const { RunStore, runStore } = await import('./runStore');

const id = { ns: 'default', workflowId: 'a/b', runId: 'r' };

const forward = 'GetWorkflowExecutionHistory';
const reverse = 'GetWorkflowExecutionHistoryReverse';

interface PageRequest {
  maximumPageSize: number;
  nextPageToken?: string;
}

/** A server with one run, whose history can grow. */
class Server {
  readonly story = new Story();
  closed = false;
  failing = '';
  readonly calls: string[] = [];

  constructor(activities: number) {
    this.story.started({ order: 1 });
    for (let i = 0; i < activities; i++) this.story.activity('work', String(i));
  }

  get length(): number {
    return this.story.events.length;
  }

  describe(): DescribeExecution {
    return {
      workflowExecutionInfo: {
        status: `WORKFLOW_EXECUTION_STATUS_${this.closed ? 'COMPLETED' : 'RUNNING'}`,
        startTime: '2026-11-23T08:00:00Z',
        historyLength: String(this.length),
        ...(this.closed ? { closeTime: '2026-11-23T09:00:00Z' } : {}),
      },
    };
  }

  readonly fetch = async (input: string, init: RequestInit): Promise<Response> => {
    const call = input.split('/').at(-1) ?? '';
    const request = JSON.parse(String(init.body)) as PageRequest;
    this.calls.push(call);
    if (this.failing === call) return Response.json({ code: 14, message: 'away' }, { status: 503 });
    if (call === reverse) return Response.json(this.page(request, this.story.events.toReversed()));
    if (call === forward) return Response.json(this.page(request, this.story.events));
    return Response.json(this.describe());
  };

  page(request: PageRequest, events: HistoryEvent[]): object {
    const size = request.maximumPageSize;
    const from = Number(request.nextPageToken ?? 0);
    const next = from + size < events.length ? { nextPageToken: String(from + size) } : {};
    return { history: { events: events.slice(from, from + size) }, ...next };
  }
}

function serve(activities: number): Server {
  const server = new Server(activities);
  vi.stubGlobal('fetch', server.fetch);
  return server;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  push.listeners.clear();
  push.status = 'none';
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('shows the newest page and the input first, and loads the rest behind', async () => {
  const server = serve(400); // 1,201 events: five pages
  const store = new RunStore(id);
  const sizes: number[] = [];
  store.subscribe(() => sizes.push(store.get().log.size));
  const leave = store.use();
  await pass(0);
  expect(store.get().log.last).toBe(1201);
  expect(store.get().firstEvent?.id).toBe(1);
  await pass(1000);
  expect(store.get()).toMatchObject({ loading: 'done', total: 1201 });
  expect(store.get().log.complete).toBe(true);
  expect(sizes).toContain(256);
  expect(server.calls.filter((c) => c === reverse)).toHaveLength(5);
  leave();
});

it('asks less and less often while nothing happens, and catches up when something does', async () => {
  const server = serve(3);
  const store = new RunStore(id);
  const leave = store.use();
  await pass(60_000);
  const idle = server.calls.length;
  expect(idle).toBeLessThan(20);
  server.story.signal('go');
  await pass(13_000);
  expect(store.get().log.last).toBe(server.length);
  server.closed = true;
  server.story.event('WORKFLOW_EXECUTION_COMPLETED', {});
  await pass(13_000);
  expect(store.get().log.get(store.get().log.last)?.type).toBe('WORKFLOW_EXECUTION_COMPLETED');
  expect(Number.isNaN(store.get().closeMs)).toBe(false);
  const closed = server.calls.length;
  await pass(60_000);
  expect(server.calls.length).toBe(closed);
  leave();
});

it('follows the stream without asking while it is live', async () => {
  const server = serve(3);
  push.status = 'live';
  const store = new RunStore(id);
  const leave = store.use();
  await pass(100);
  expect(push.listeners.size).toBe(1);
  const before = server.calls.length;
  await pass(60_000);
  expect(server.calls.length).toBe(before);
  for (let i = 0; i < 300; i++) server.story.signal(`s${i}`);
  for (const listener of push.listeners) {
    (listener as PushListener)({ type: 'run', run: { lastEventId: String(server.length), describe: server.describe() } });
  }
  await pass(100);
  expect(store.get().log.last).toBe(server.length);
  expect(store.get().log.size).toBe(server.length);
  leave();
  expect(push.listeners.size).toBe(0);
});

it('says what failed, and goes on when asked to', async () => {
  const server = serve(200);
  server.failing = reverse;
  const store = new RunStore(id);
  const leave = store.use();
  await pass(100);
  expect(store.get().historyError).toMatchObject({ message: 'away' });
  expect(store.get().describe).toBeDefined();
  server.failing = '';
  store.refresh();
  await pass(1000);
  expect(store.get().historyError).toBeUndefined();
  expect(store.get().log.complete).toBe(true);
  leave();
});

it('keeps what it has when the run is deleted', async () => {
  const server = serve(1);
  const store = new RunStore(id);
  const leave = store.use();
  await pass(100);
  vi.stubGlobal('fetch', async () => Response.json({ code: 5, message: 'gone' }, { status: 404 }));
  await pass(13_000);
  expect(store.get()).toMatchObject({ deleted: true });
  expect(store.get().log.size).toBe(server.length);
  leave();
});

it('reports a run that is not there', async () => {
  vi.stubGlobal('fetch', async () => Response.json({ code: 5, message: 'no run' }, { status: 404 }));
  const store = new RunStore(id);
  const leave = store.use();
  await pass(100);
  expect(store.get().error).toMatchObject({ message: 'no run' });
  leave();
});

it('opens a file without a server, and shows a run again at once', async () => {
  const { story } = new Server(2);
  story.event('WORKFLOW_EXECUTION_FAILED', {});
  const file = RunStore.ofEvents(story.events);
  expect(file.get()).toMatchObject({ loading: 'done', total: story.events.length });
  expect(Number.isNaN(file.get().closeMs)).toBe(false);
  expect(runStore(id)).toBe(runStore({ ...id }));
  expect(runStore({ ...id, runId: 'other' })).not.toBe(runStore(id));
});
