/*
 * make ui-bench: a run with 50,000 events in a real browser, cold. Exits 1 where a limit is missed.
 *
 *   ui-bench.ts docs/performance.md     writes its section there
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { longHistory } from './lib/history.ts';
import { Server, sleep } from './lib/server.ts';
import { launch } from './lib/stage.ts';
import { Watch } from './lib/watch.ts';
import { connectClient } from './lib/worker.ts';

const EVENTS = 50_000;
const ROUNDS = 5;
const SCROLL_MS = 6000;
const BEGIN = '<!-- ui: begin (make ui-bench) -->';
const END = '<!-- ui: end -->';

interface Figure {
  name: string;
  limit: number;
  unit: string;
  values: number[]; // one a round
}

/** Notes when all of `selectors` were painted, and which tasks were long. */
function observe(selectors: [string, number][]) {
  const seen = { paintedMs: 0, longest: 0 };
  Object.assign(window, { seen });
  new PerformanceObserver((entries) => {
    for (const { duration } of entries.getEntries()) seen.longest = Math.max(seen.longest, duration);
  }).observe({ type: 'longtask', buffered: true });
  const look = () => {
    const there = selectors.every(([selector, count]) => document.querySelectorAll(selector).length >= count);
    if (!there) requestAnimationFrame(look);
    else requestAnimationFrame(() => setTimeout(() => (seen.paintedMs = performance.now())));
  };
  requestAnimationFrame(look);
}

type Seen = { seen: { paintedMs: number; longest: number } };
const seenOf = (page: Page) => page.evaluate(() => (window as unknown as Seen).seen);

/** Wheels and jumps, as long as SCROLL_MS; the longest task in milliseconds. */
async function scroll(page: Page, grid: string): Promise<number> {
  await page.evaluate(() => ((window as unknown as Seen).seen.longest = 0));
  await page.mouse.move(640, 600);
  const element = page.locator(grid);
  await element.focus();
  const rowsSeen = new Set<string | null>();
  for (let i = 0, end = Date.now() + SCROLL_MS; Date.now() < end; i++) {
    if (i % 20 === 10) await page.keyboard.press('End');
    else if (i % 20 === 0) await page.keyboard.press('Home');
    else await page.mouse.wheel(0, i % 2 ? 700 : 2400);
    await page.evaluate(() => new Promise(requestAnimationFrame));
    rowsSeen.add(await element.locator('[role=row]').first().getAttribute('aria-rowindex'));
  }
  if (rowsSeen.size < 10) throw new Error(`it did not scroll: ${[...rowsSeen].join()}`);
  return (await seenOf(page)).longest;
}

/** A page of the run in a browser that has never been here; when it is painted, and how it scrolls. */
async function visit(browser: Browser, url: string, grid: string, rows: number) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  await context.addInitScript('globalThis.__name ??= (it) => it');
  const wanted: [string, number][] = [
    ['main header .sk-state', 1],
    [`${grid} [role=row]`, rows],
  ];
  await context.addInitScript(observe, wanted);
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => (window as unknown as Seen).seen.paintedMs > 0);
  const { paintedMs } = await seenOf(page);
  const longest = await scroll(page, grid);
  await context.close();
  return { paintedMs, longest };
}

async function firstLoad(browser: Browser, server: Server): Promise<number> {
  const context = await browser.newContext();
  const watch = new Watch(server.origin, []);
  await watch.context(context);
  const page = await context.newPage();
  await page.goto(`${server.base}namespaces/default/workflows`);
  await page.locator('a[data-row]').first().waitFor();
  await sleep(500); // nothing tells that no further part will be asked for
  await context.close();
  return [...watch.bytes.values()].reduce((sum, bytes) => sum + bytes, 0) / 1024;
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

function section(figures: Figure[]): string {
  // Browsers tell of tasks from 50 ms on.
  const shown = (value: number, unit: string) =>
    value === 0 ? `under 50 ${unit}` : `${Math.round(value).toLocaleString('en')} ${unit}`;
  const rows = figures.map(({ name, limit, unit, values }) => {
    const is = median(values);
    const worst = values.length > 1 ? shown(Math.max(...values), unit) : '';
    return `| ${name} | ≤ ${shown(limit, unit)} | ${shown(is, unit)} | ${worst} | ${is <= limit ? 'yes' : 'no'} |`;
  });
  return [
    BEGIN,
    '## The web UI',
    '',
    `Chromium, a cache that is empty, a run with ${EVENTS.toLocaleString('en')} events; server and browser share the`,
    `machine. Times are from the begin of the navigation until it is painted, the median of ${ROUNDS} visits.`,
    '',
    '| figure | must be | is | worst | reached |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '`make ui-bench` measures them again.',
    END,
    '',
  ].join('\n');
}

async function measure(server: Server, browser: Browser): Promise<Figure[]> {
  const client = await connectClient(server.address);
  const { runId, events } = await longHistory(client, 'long', EVENTS);
  console.log(`a run with ${events} events`);
  const address = (tab: string) => `${server.base}namespaces/default/workflows/long/${runId}/${tab}`;
  const history = { name: 'History', url: address('history'), rows: 30 };
  const timeline = { name: 'Timeline', url: address('timeline'), rows: 15 };
  const figures: Figure[] = [];
  for (const { name, url, rows } of [history, timeline]) {
    const what = name === 'History' ? 'status and the newest 30 events' : 'status and the waterfall';
    const painted: Figure = { name: `${what} painted`, limit: 1500, unit: 'ms', values: [] };
    const long: Figure = { name: `${name}: longest task while scrolling`, limit: 200, unit: 'ms', values: [] };
    for (let round = 0; round < ROUNDS; round++) {
      const { paintedMs, longest } = await visit(browser, url, `[role=treegrid][aria-label=${name}]`, rows);
      painted.values.push(paintedMs);
      long.values.push(longest);
    }
    figures.push(painted, long);
  }
  const load = [await firstLoad(browser, server)];
  figures.push({ name: 'first load of the list, as transferred', limit: 600, unit: 'KB', values: load });
  await client.connection.close();
  return figures;
}

const [server, browser] = await Promise.all([Server.start(), launch()]);
try {
  const figures = await measure(server, browser);
  const text = section(figures);
  console.log(text);
  const file = process.argv[2];
  if (file) {
    const old = readFileSync(file, 'utf8');
    const [before, rest = ''] = old.split(BEGIN);
    const after = rest.slice(rest.indexOf(END) + END.length).trimStart(); // the sections of others
    writeFileSync(file, rest ? before + text + (after && `\n${after}`) : `${old.trimEnd()}\n\n${text}`);
  }
  const missed = figures.filter(({ values, limit }) => median(values) > limit);
  for (const { name } of missed) console.error(`missed: ${name}`);
  process.exitCode = missed.length ? 1 : 0;
} finally {
  await browser.close();
  await server.stop();
}
