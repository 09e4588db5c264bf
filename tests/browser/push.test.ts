/* Live rows: many tabs, many browsers under load, no shared workers, a server that goes and returns. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { gone, reads, visible } from './lib/check.ts';
import { skald } from './lib/server.ts';
import { stage } from './lib/stage.ts';
import { eventually, QUEUE } from './lib/worker.ts';

const s = stage({ worker: true, demo: 4 });
const list = '/namespaces/default/workflows';
const GROWTH_MAX = 16 * 1024 * 1024; // what heaps of the C library wander by; a leak shows in a minute
const SECONDS = Number(process.env['BROWSER_LOAD_SECONDS'] ?? 8);
const BROWSERS = 10;
const RATE = 200;
const REFILLS_A_MINUTE = 6;

const rows = (page: Page) => page.locator('[role=row]:has(a[data-row])');
const link = (page: Page, id: string) => page.getByRole('link', { name: id, exact: true });
const live = (page: Page) => visible(page.locator('[data-live]').filter({ hasText: 'Live' }));
const query = (text: string) => `${list}?q=${encodeURIComponent(text)}`;

async function start(type: string, workflowId: string) {
  return await s.client.workflow.start(type, { workflowId, taskQueue: QUEUE });
}

s.test('rows are pushed, without a question of the page', async ({ page }) => {
  await page.goto(s.url(list));
  await visible(rows(page));
  await live(page);
  const asked: string[] = [];
  page.on('request', (request) => {
    if (/\/workflows(\?|$)/.test(request.url())) asked.push(request.url());
  });
  const handle = await start('approval', `pushed-${randomUUID()}`);
  const row = rows(page).filter({ has: link(page, handle.workflowId) });
  await reads(row, 'Running');
  await handle.signal('approve');
  await reads(row, 'Completed');
  assert.deepEqual(asked, []);
});

s.test('ten tabs of one browser all load, update and act', async ({ page, context }) => {
  const pages = [page];
  while (pages.length < 10) pages.push(await context.newPage());
  for (const one of pages) {
    await one.goto(s.url(query('WorkflowType = "forever"')));
    await visible(one.getByRole('navigation', { name: 'Sections' }));
  }
  const handles = await Promise.all(pages.map((_, n) => start('forever', `tab-${n}-${randomUUID()}`)));
  for (const [n, one] of pages.entries()) {
    await visible(link(one, handles[n]!.workflowId));
    await one.getByRole('checkbox', { name: `Select ${handles[n]!.workflowId}` }).check();
    await one.getByRole('toolbar').getByRole('button', { name: 'Terminate' }).click();
    await one.getByRole('dialog').getByRole('button', { name: /Terminate/ }).click();
    await eventually(async () => (await handles[n]!.describe()).status.name, (now) => now === 'TERMINATED');
  }
  // One stream for all of them.
  assert.equal(await s.server.metric('skald_push_streams'), 1);
});

function withoutSharedWorker() {
  Reflect.deleteProperty(window, 'SharedWorker');
}

s.test('a browser without shared workers is pushed to as well', { initScript: withoutSharedWorker }, async ({ page }) => {
  await page.goto(s.url(list));
  await visible(rows(page));
  await live(page);
  const handle = await start('approval', `alone-${randomUUID()}`);
  await visible(link(page, handle.workflowId));
  await handle.terminate();
  await reads(rows(page).filter({ has: link(page, handle.workflowId) }), 'Terminated');
});

s.test('a dialog that the server is too far away for leaves the page as it is, and opens later', { allow: [/ERR_FAILED|Failed to load|preload/] }, async ({ page }) => {
  const handle = await start('forever', `away-${randomUUID()}`);
  const gone = /assets\/.*Dialog|api\/v1\/system-info/;
  await page.route(gone, (route) => route.abort());
  await page.goto(s.url(query(`WorkflowId = "${handle.workflowId}"`)));
  await visible(link(page, handle.workflowId));
  await page.getByRole('button', { name: 'Start workflow' }).click();
  await reads(page.getByRole('dialog'), 'The server does not answer');
  await visible(link(page, handle.workflowId));
  const again = page.waitForEvent('load');
  await page.unroute(gone);
  await again; // by itself
  await page.getByRole('button', { name: 'Start workflow' }).click();
  await reads(page.getByRole('dialog'), 'Workflow type');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape'); // the list of types, the dialog
  // What changes something is not tried again by itself, and is not said to be.
  const sent = /rpc\/TerminateWorkflowExecution/;
  await page.route(sent, (route) => route.abort());
  await link(page, handle.workflowId).click();
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: 'Terminate' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Terminate' }).click();
  await reads(page.getByRole('dialog'), 'Nothing is sent again by itself.');
  await handle.terminate();
});

function withoutStream() {
  const real = window.fetch;
  window.fetch = (input, init) =>
    String(input instanceof Request ? input.url : input).includes('skald/stream')
      ? Promise.resolve(new Response('', { status: 503 }))
      : real(input, init);
  Reflect.deleteProperty(window, 'SharedWorker');
}

s.test('where the stream does not come through, the page asks by itself', { initScript: withoutStream }, async ({ page }) => {
  await page.goto(s.url(list));
  await visible(rows(page));
  await reads(page.locator('main'), 'Polling');
  const handle = await start('forever', `polled-${randomUUID()}`);
  await visible(link(page, handle.workflowId));
  await handle.terminate();
});

/** Seconds of CPU and bytes of memory that the server took so far. */
async function usage(): Promise<{ cpu: number; memory: number }> {
  const stat = await readFile(`/proc/${s.server.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, memory: Number(fields[21]) * 4096 };
}

async function bench(): Promise<void> {
  const args = ['bench', '--rate', String(RATE), '--duration', `${SECONDS}s`, '--warmup', '0s'];
  await promisify(execFile)(skald, [...args, '--address', s.server.address, '--json']);
}

s.test(`ten browsers on a live list while ${RATE} workflows a second run`, { timeout: (300 + 4 * SECONDS) * 1000 }, async () => {
  await bench();
  const alone = await usage();
  await bench();
  const before = await usage();
  const contexts = await Promise.all(Array.from({ length: BROWSERS }, () => s.context()));
  const pages: Page[] = [];
  for (const context of contexts) {
    const page = await context.newPage();
    await page.goto(s.url(query('ExecutionStatus = "Running"')));
    await live(page);
    pages.push(page);
  }
  const refills = await s.server.metric('skald_push_queries', { reason: 'refill' });
  const streams = await s.server.metric('skald_push_streams');
  const from = Date.now();
  const begin = await usage();
  await bench();
  const end = await usage();
  const asked = (await s.server.metric('skald_push_queries', { reason: 'refill' })) - refills;
  const seconds = (Date.now() - from) / 1000;
  const handle = await start('forever', `last-${randomUUID()}`); // on top: the newest
  for (const page of pages) await visible(link(page, handle.workflowId));
  await Promise.all(contexts.map((context) => context.close()));
  const cores = (end.cpu - begin.cpu - (before.cpu - alone.cpu)) / SECONDS;
  // The server grows a little with every workflow, browsers or not; the same load says by how much.
  const grown = end.memory - begin.memory - Math.max(0, before.memory - alone.memory);
  console.log(JSON.stringify({ streams, asked, seconds, cores, grown, memory: [alone, before, begin, end].map((u) => u.memory) }));
  assert(streams >= BROWSERS, `${streams} streams`);
  // What that costs in cores `make bench-push` measures; here on a busy machine the number is told only.
  assert(grown < GROWTH_MAX, `the server grew by ${grown} bytes for ${BROWSERS} browsers`);
  assert(asked <= Math.ceil((REFILLS_A_MINUTE * seconds) / 60) + 1, `${asked} refills in ${seconds} s`);
  await handle.terminate();
});

s.test('a server that goes away is told, and all goes on when it is back', { allow: [/Failed to load|net::|fetch/i] }, async ({ page }) => {
  const handle = await start('approval', `survivor-${randomUUID()}`);
  await page.goto(s.url(query('WorkflowType = "approval"')));
  await visible(link(page, handle.workflowId));
  await s.worker?.stop();
  s.worker = undefined;
  await s.server.down('SIGKILL');
  await reads(page.locator('header'), 'Server away');
  await visible(link(page, handle.workflowId)); // what was there stays
  await s.server.up();
  await gone(page.getByText('Server away'));
  await s.client.connection.ensureConnected();
  await handle.terminate('after the restart');
  await reads(rows(page).filter({ has: link(page, handle.workflowId) }), 'Terminated');
});
