/**
 * The shared worker that holds the browser's stream for all tabs. Tabs are ports; one that has not been
 * heard for a while is gone (a closed tab does not always say so) and its subscriptions with it. A tab
 * that comes back after that finds itself unknown and subscribes again.
 *
 * A tab says of each event that it has taken it. One that is too far behind (its machine is busy) is sent
 * no more until it has caught up, and then the whole picture: old states never queue up for it.
 */
import { PushCore, type PushStatus, type StreamEvent, type Topic } from './pushcore';

export type ToWorker =
  | { op: 'open'; url: string }
  | { op: 'subscribe'; id: number; topic: Topic }
  | { op: 'unsubscribe'; id: number }
  | { op: 'taken' }
  | { op: 'alive' }
  | { op: 'leave' };

export type FromWorker =
  | { op: 'event'; id: number; event: StreamEvent }
  | { op: 'status'; status: PushStatus }
  | { op: 'unknown' };

/** Browsers let a hidden tab's timers run once a minute. */
const silentMaxMs = 200_000;

/** Events that a tab has not taken yet; past it the tab is behind. */
const untakenMax = 20;

interface Tab {
  readonly port: MessagePort;
  readonly subscriptions: Map<number, { topic: Topic; stop: () => void }>;
  untaken: number;
  behind: boolean;
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
  for (const { stop } of tab.subscriptions.values()) stop();
  tab.subscriptions.clear();
  tabs.delete(tab.port);
}

function tell(tab: Tab, id: number, event: StreamEvent): void {
  tab.behind ||= tab.untaken >= untakenMax;
  if (tab.behind) return;
  tab.untaken++;
  send(tab.port, { op: 'event', id, event });
}

function subscribe(to: PushCore, tab: Tab, id: number, topic: Topic): void {
  tab.subscriptions.get(id)?.stop();
  tab.subscriptions.set(id, { topic, stop: to.subscribe(topic, (event) => tell(tab, id, event)) });
}

function taken(from: PushCore, tab: Tab): void {
  tab.untaken = Math.max(0, tab.untaken - 1);
  if (!tab.behind || tab.untaken > 0) return;
  tab.behind = false;
  for (const [id, { topic }] of [...tab.subscriptions]) subscribe(from, tab, id, topic);
}

function hear(port: MessagePort, message: ToWorker): void {
  let tab = tabs.get(port);
  if (message.op === 'open') {
    if (tab) leave(tab);
    tab = { port, subscriptions: new Map(), untaken: 0, behind: false, heardMs: Date.now() };
    tabs.set(port, tab);
    send(port, { op: 'status', status: open(message.url).status });
    return;
  }
  if (!tab || !core) return send(port, { op: 'unknown' });
  tab.heardMs = Date.now();
  if (message.op === 'subscribe') {
    subscribe(core, tab, message.id, message.topic);
  } else if (message.op === 'unsubscribe') {
    tab.subscriptions.get(message.id)?.stop();
    tab.subscriptions.delete(message.id);
  } else if (message.op === 'taken') {
    taken(core, tab);
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
