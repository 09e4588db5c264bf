/**
 * Changes as the server tells them. A page says which topic it shows; whether a shared worker holds the
 * stream or the page itself, it does not see. While its topic is not live, a page asks by itself.
 */
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { url } from './client';
import { PushCore, type PushStatus, type StreamEvent, type Topic, type TopicListener } from './pushcore';
import type { FromWorker, ToWorker } from './pushworker';

interface Transport {
  subscribe: (topic: Topic, listener: TopicListener) => () => void;
}

let status: PushStatus = 'idle';
const statusListeners = new Set<() => void>();

function setStatus(next: PushStatus): void {
  if (next === status) return;
  status = next;
  for (const listener of [...statusListeners]) listener();
}

const aliveEveryMs = 20_000;

/** The stream address without the page's own path, so that all tabs share one worker. */
function streamUrl(): string {
  return new URL(url('skald/stream'), window.location.origin).href;
}

function throughWorker(): Transport {
  const worker = new SharedWorker(new URL('./pushworker.ts', import.meta.url), {
    type: 'module',
    name: 'skald-push',
  });
  const topics = new Map<number, { topic: Topic; listener: TopicListener }>();
  let count = 0;
  const tell = (message: ToWorker): void => worker.port.postMessage(message);
  const introduce = (): void => {
    tell({ op: 'open', url: streamUrl() });
    for (const [id, { topic }] of topics) tell({ op: 'subscribe', id, topic });
  };
  worker.port.onmessage = (event: MessageEvent<FromWorker>) => {
    const message = event.data;
    if (message.op === 'status') setStatus(message.status);
    else if (message.op === 'unknown') introduce();
    else {
      topics.get(message.id)?.listener(message.event);
      tell({ op: 'taken' });
    }
  };
  introduce();
  setInterval(() => tell({ op: 'alive' }), aliveEveryMs);
  window.addEventListener('pagehide', () => tell({ op: 'leave' }));
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) introduce();
  });
  return {
    subscribe: (topic, listener) => {
      const id = ++count;
      topics.set(id, { topic, listener });
      tell({ op: 'subscribe', id, topic });
      return () => {
        topics.delete(id);
        tell({ op: 'unsubscribe', id });
      };
    },
  };
}

/** Browsers allow six connections to a host: a hidden tab gives its own back and goes on later. */
function inPage(): Transport {
  const core = new PushCore({ url: streamUrl(), onStatus: setStatus });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) core.suspend();
    else core.resume();
  });
  return core;
}

let transport: Transport | undefined;

function shared(): Transport {
  if (!transport) {
    try {
      transport = typeof SharedWorker === 'undefined' ? inPage() : throughWorker();
    } catch {
      transport = inPage(); // the policy or the browser's settings forbid workers
    }
  }
  return transport;
}

export function subscribe(topic: Topic, listener: TopicListener): () => void {
  return shared().subscribe(topic, listener);
}

/**
 * Calls `listen` with every event of the topic while the component is on the page. Whether changes are
 * told: not if the stream is away, nor if the server would not serve this topic.
 */
export function useTopic(topic: Topic | undefined, listen: (event: StreamEvent) => void): boolean {
  const latest = useRef(listen);
  latest.current = listen;
  const key = topic && JSON.stringify(topic);
  const [refused, setRefused] = useState<string>();
  const live = usePushStatus() === 'live';
  useEffect(() => {
    if (!key) return;
    return subscribe(JSON.parse(key) as Topic, (event) => {
      setRefused(event.type === 'error' ? key : undefined);
      latest.current(event);
    });
  }, [key]);
  return live && (key === undefined || refused !== key);
}

function onStatus(listener: () => void): () => void {
  statusListeners.add(listener);
  return () => statusListeners.delete(listener);
}

export function usePushStatus(): PushStatus {
  return useSyncExternalStore(onStatus, () => status);
}

export function pushStatus(): PushStatus {
  return status;
}
