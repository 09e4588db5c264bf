/**
 * The shared worker that holds the browser's stream for all tabs. Tabs are ports; one that has not been
 * heard for a while is gone (a closed tab does not always say so) and its subscriptions with it. A tab
 * that comes back after that finds itself unknown and subscribes again.
 */
import { PushCore, type PushStatus, type StreamEvent, type Topic } from './pushcore';

export type ToWorker =
  | { op: 'open'; url: string }
  | { op: 'subscribe'; id: number; topic: Topic }
  | { op: 'unsubscribe'; id: number }
  | { op: 'alive' }
  | { op: 'leave' };

export type FromWorker =
  | { op: 'event'; id: number; event: StreamEvent }
  | { op: 'status'; status: PushStatus }
  | { op: 'unknown' };

/** Browsers let a hidden tab's timers run once a minute. */
const silentMaxMs = 200_000;

interface Tab {
  readonly port: MessagePort;
  readonly subscriptions: Map<number, () => void>;
  heardMs: number;
}

const tabs = new Map<MessagePort, Tab>();
let core: PushCore | undefined;

function send(port: MessagePort, message: FromWorker): void {
  port.postMessage(message);
}

function open(url: string): PushCore {
  core ??= new PushCore({
    url,
    onStatus: (status) => {
      for (const tab of tabs.values()) send(tab.port, { op: 'status', status });
    },
  });
  return core;
}

function leave(tab: Tab): void {
  for (const stop of tab.subscriptions.values()) stop();
  tab.subscriptions.clear();
  tabs.delete(tab.port);
}

function hear(port: MessagePort, message: ToWorker): void {
  let tab = tabs.get(port);
  if (message.op === 'open') {
    if (tab) leave(tab);
    tab = { port, subscriptions: new Map(), heardMs: Date.now() };
    tabs.set(port, tab);
    send(port, { op: 'status', status: open(message.url).status });
    return;
  }
  if (!tab || !core) return send(port, { op: 'unknown' });
  tab.heardMs = Date.now();
  if (message.op === 'subscribe') {
    const { id, topic } = message;
    tab.subscriptions.get(id)?.();
    tab.subscriptions.set(id, core.subscribe(topic, (event) => send(port, { op: 'event', id, event })));
  } else if (message.op === 'unsubscribe') {
    tab.subscriptions.get(message.id)?.();
    tab.subscriptions.delete(message.id);
  } else if (message.op === 'leave') {
    leave(tab);
  }
}

/** Takes a tab in: what the browser calls for each that connects. */
export function connect(port: MessagePort): void {
  port.onmessage = (event: MessageEvent<ToWorker>) => hear(port, event.data);
}

/** Forgets tabs that have gone silent. */
export function sweep(nowMs: number): void {
  for (const tab of [...tabs.values()]) if (nowMs - tab.heardMs > silentMaxMs) leave(tab);
}

if (typeof self !== 'undefined' && 'onconnect' in self) {
  self.onconnect = (event: MessageEvent) => {
    for (const port of event.ports) connect(port);
  };
  setInterval(() => sweep(Date.now()), 30_000);
}
