import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lines, PushCore, subscriptionsMax, type PushStatus, type StreamEvent } from './pushcore';
import { connect, sweep, type FromWorker, type ToWorker } from './pushworker';

interface Opened {
  body: { subscriptions: { id: string; cursor?: string }[] };
  send: (event: StreamEvent) => void;
  end: () => void;
  aborted: () => boolean;
}

/** A server whose streams the test holds in hand. */
function server(status = 200) {
  const opened: Opened[] = [];
  const answer = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    if (status !== 200) return new Response('', { status });
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const stream = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) });
    init?.signal?.addEventListener('abort', () => {
      try {
        controller?.error(new DOMException('', 'AbortError'));
      } catch {
        // ended before
      }
    });
    opened.push({
      body: JSON.parse(String(init?.body)) as Opened['body'],
      send: (event) => controller?.enqueue(new TextEncoder().encode(JSON.stringify(event) + '\n')),
      end: () => controller?.close(),
      aborted: () => init?.signal?.aborted ?? false,
    });
    return new Response(stream);
  };
  return { opened, fetch: vi.fn(answer) as unknown as typeof fetch };
}

const run = (id: string) => ({
  run: { namespace: 'd', execution: { workflowId: id, runId: 'r' } },
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

function core(s: ReturnType<typeof server>) {
  const statuses: PushStatus[] = [];
  const c = new PushCore({ url: 'http://x/stream', fetch: s.fetch, onStatus: (v) => statuses.push(v) });
  return { c, statuses };
}

describe('PushCore', () => {
  it('opens one stream for all that is wanted, and hands events on', async () => {
    const s = server();
    const { c, statuses } = core(s);
    const seen: string[] = [];
    c.subscribe(run('a'), (e) => seen.push(`a ${e.type}`));
    c.subscribe(run('b'), (e) => seen.push(`b ${e.type}`));
    await pass(50);
    expect(s.opened).toHaveLength(1);
    expect(s.opened[0]?.body.subscriptions).toHaveLength(2);
    s.opened[0]?.send({ type: 'hello', hello: { heartbeatMs: '1000' } });
    s.opened[0]?.send({ type: 'run', subscription: 's2', cursor: 'c1' });
    s.opened[0]?.send({ type: 'run', subscription: 'other', cursor: 'c1' });
    await pass(1);
    expect(seen).toEqual(['b run']);
    expect(statuses).toEqual(['connecting', 'live']);
  });

  it('goes on from its cursors after the stream ended', async () => {
    const s = server();
    const { c, statuses } = core(s);
    c.subscribe(run('a'), () => {});
    await pass(50);
    s.opened[0]?.send({ type: 'hello' });
    s.opened[0]?.send({ type: 'run', subscription: 's1', cursor: 'c7' });
    await pass(1);
    s.opened[0]?.end();
    await pass(2000);
    expect(s.opened[1]?.body.subscriptions[0]?.cursor).toBe('c7');
    expect(statuses).toEqual(['connecting', 'live', 'connecting']);
  });

  it('waits as long as the server says in its bye', async () => {
    const s = server();
    const { c } = core(s);
    c.subscribe(run('a'), () => {});
    await pass(50);
    s.opened[0]?.send({ type: 'bye', bye: { retryMs: '5000' } });
    s.opened[0]?.end();
    await pass(4900);
    expect(s.opened).toHaveLength(1);
    await pass(200);
    expect(s.opened).toHaveLength(2);
  });

  it('drops the cursor at a reset, and a topic that is refused', async () => {
    const s = server();
    const { c } = core(s);
    const types: string[] = [];
    c.subscribe(run('a'), (e) => types.push(e.type));
    c.subscribe(run('b'), (e) => types.push(e.type));
    await pass(50);
    const first = s.opened[0]!;
    first.send({ type: 'run', subscription: 's1', cursor: 'c1' });
    first.send({ type: 'reset', subscription: 's1' });
    first.send({ type: 'error', subscription: 's2', error: { code: 3, message: 'no' } });
    await pass(1);
    expect(types).toEqual(['run', 'reset', 'error']);
    first.end();
    await pass(2000);
    expect(s.opened[1]?.body.subscriptions).toEqual([{ id: 's1', ...run('a') }]);
  });

  it('has places for the newest topics, and tells the others so', async () => {
    const s = server();
    const { c } = core(s);
    const told: string[] = [];
    const stops = Array.from({ length: subscriptionsMax + 2 }, (_, i) =>
      c.subscribe(run(String(i)), (e) => void (e.type === 'error' && told.push(String(i)))),
    );
    await pass(50);
    expect(s.opened[0]?.body.subscriptions).toHaveLength(subscriptionsMax);
    expect(told).toEqual(['0', '1']);
    c.subscribe(run('0'), () => {}); // somebody looks at it now
    await pass(50);
    expect(told).toEqual(['0', '1', '1', '2']);
    for (const stop of stops.slice(3, 5)) stop();
    await pass(50);
    expect(told).toHaveLength(4);
    expect(s.opened.at(-1)?.body.subscriptions).toHaveLength(subscriptionsMax);
    expect(s.opened.at(-1)?.body.subscriptions.every((o) => o.cursor === undefined)).toBe(true);
  });

  it('opens anew when nothing is heard for three heartbeats', async () => {
    const s = server();
    const { c } = core(s);
    c.subscribe(run('a'), () => {});
    await pass(50);
    s.opened[0]?.send({ type: 'hello', hello: { heartbeatMs: '1000' } });
    await pass(2500);
    s.opened[0]?.send({ type: 'heartbeat' });
    await pass(2900);
    expect(s.opened).toHaveLength(1);
    await pass(200);
    expect(s.opened).toHaveLength(2);
    expect(s.opened[0]?.aborted()).toBe(true);
  });

  it('gives a newcomer the whole picture, and ends with the last listener', async () => {
    const s = server();
    const { c, statuses } = core(s);
    const stop = c.subscribe(run('a'), () => {});
    await pass(50);
    s.opened[0]?.send({ type: 'hello' });
    s.opened[0]?.send({ type: 'run', subscription: 's1', cursor: 'c1' });
    await pass(1);
    const stopToo = c.subscribe(run('a'), () => {});
    await pass(50);
    expect(s.opened[1]?.body.subscriptions).toEqual([{ id: 's1', ...run('a') }]);
    expect(s.opened[0]?.aborted()).toBe(true);
    stop();
    stop();
    await pass(50);
    expect(s.opened).toHaveLength(2);
    stopToo();
    await pass(50);
    expect(s.opened[1]?.aborted()).toBe(true);
    expect(statuses.at(-1)).toBe('idle');
  });

  it('says that a server without the method has none, and looks again later', async () => {
    const s = server(404);
    const { c, statuses } = core(s);
    c.subscribe(run('a'), () => {});
    await pass(100);
    expect(statuses).toEqual(['connecting', 'none']);
    expect(s.fetch).toHaveBeenCalledTimes(1);
    await pass(61_000);
    expect(s.fetch).toHaveBeenCalledTimes(2);
    expect(statuses).toEqual(['connecting', 'none']);
  });

  it('tries a server that fails less and less often', async () => {
    const s = server(500);
    const { c } = core(s);
    c.subscribe(run('a'), () => {});
    await pass(60_000);
    const calls = vi.mocked(s.fetch).mock.calls.length;
    expect(calls).toBeGreaterThan(4);
    expect(calls).toBeLessThan(15);
  });

  it('closes while nobody looks, and goes on from its cursors', async () => {
    const s = server();
    const { c } = core(s);
    c.subscribe(run('a'), () => {});
    await pass(50);
    s.opened[0]?.send({ type: 'run', subscription: 's1', cursor: 'c3' });
    await pass(1);
    c.suspend();
    expect(s.opened[0]?.aborted()).toBe(true);
    await pass(100_000);
    expect(s.opened).toHaveLength(1);
    c.resume();
    await pass(10);
    expect(s.opened[1]?.body.subscriptions[0]?.cursor).toBe('c3');
  });
});

it('takes lines apart wherever the network cut them', async () => {
  const bytes = new TextEncoder().encode('{"a":"ž"}\n\n{"b":1}\r\n{"c":2}');
  for (const size of [1, 2, 3, 100]) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < bytes.length; i += size) controller.enqueue(bytes.slice(i, i + size));
        controller.close();
      },
    });
    const got: string[] = [];
    for await (const line of lines(stream)) got.push(line);
    expect(got).toEqual(['{"a":"ž"}', '{"b":1}', '{"c":2}']);
  }
});

describe('the shared worker', () => {
  function tab() {
    const got: FromWorker[] = [];
    const port = { postMessage: (m: FromWorker) => got.push(m) } as unknown as MessagePort;
    connect(port);
    const say = (message: ToWorker): void =>
      port.onmessage?.call(port, { data: message } as MessageEvent);
    return { got, say };
  }

  it('shares one stream among tabs and forgets those that went silent', async () => {
    const s = server();
    vi.stubGlobal('fetch', s.fetch);
    const one = tab();
    const two = tab();
    one.say({ op: 'subscribe', id: 1, topic: run('w') });
    expect(one.got).toEqual([{ op: 'unknown' }]);
    for (const t of [one, two]) {
      t.say({ op: 'open', url: 'http://x/stream' });
      t.say({ op: 'subscribe', id: 7, topic: run('w') });
    }
    await pass(50);
    expect(s.opened).toHaveLength(1);
    const id = s.opened[0]!.body.subscriptions[0]!.id;
    s.opened[0]?.send({ type: 'hello' });
    s.opened[0]?.send({ type: 'run', subscription: id, cursor: 'c' });
    await pass(1);
    for (const t of [one, two]) {
      expect(t.got.at(-1)).toMatchObject({ op: 'event', id: 7, event: { type: 'run' } });
      expect(t.got).toContainEqual({ op: 'status', status: 'live' });
    }
    await pass(150_000);
    two.say({ op: 'alive' });
    await pass(100_000);
    sweep(Date.now());
    one.say({ op: 'alive' });
    expect(one.got.at(-1)).toEqual({ op: 'unknown' });
    two.say({ op: 'unsubscribe', id: 7 });
    two.say({ op: 'leave' });
    await pass(100);
    expect(s.opened.at(-1)?.aborted()).toBe(true);
    vi.unstubAllGlobals();
  });

  it('queues no old states for a tab that is behind, and gives it the whole picture when it has caught up', async () => {
    const s = server();
    vi.stubGlobal('fetch', s.fetch);
    const [slow, quick] = [tab(), tab()];
    for (const t of [slow, quick]) {
      t.say({ op: 'open', url: 'http://x/stream' });
      t.say({ op: 'subscribe', id: 1, topic: run('x') });
    }
    await pass(50);
    const id = s.opened[0]!.body.subscriptions[0]!.id;
    s.opened[0]?.send({ type: 'hello' });
    const events = (t: typeof slow) => t.got.filter((m) => m.op === 'event').length;
    for (let i = 0; i < 100; i++) {
      s.opened[0]?.send({ type: 'run', subscription: id, cursor: `c${i}` });
      await pass(1);
      quick.say({ op: 'taken' });
    }
    expect(events(quick)).toBe(100);
    const queued = events(slow);
    expect(queued).toBeLessThan(30);
    expect(s.opened).toHaveLength(1);
    for (let i = 0; i < queued; i++) slow.say({ op: 'taken' });
    await pass(50);
    expect(s.opened).toHaveLength(2);
    expect(s.opened[1]?.body.subscriptions).toHaveLength(1);
    expect(s.opened[1]?.body.subscriptions[0]?.cursor).toBeUndefined();
    s.opened[1]?.send({ type: 'run', subscription: s.opened[1].body.subscriptions[0]!.id, cursor: 'd' });
    await pass(1);
    expect(events(slow)).toBe(queued + 1);
    for (const t of [slow, quick]) t.say({ op: 'leave' });
    await pass(100);
    vi.unstubAllGlobals();
  });
});
