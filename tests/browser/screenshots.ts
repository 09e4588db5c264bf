/*
 * make screenshots: every screen of the UI, light and dark, 1280 x 860 and 390 wide, from a store that is
 * filled from a fixed seed. screenshots.ts FOLDER [NAME...]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Browser, Page } from 'playwright-core';
import { crowd } from './lib/crowd.ts';
import { slim } from './lib/picture.ts';
import { Server, sleep } from './lib/server.ts';
import { launch } from './lib/stage.ts';
import { connectClient, eventually, QUEUE, WorkerProcess } from './lib/worker.ts';

const SEED = 20_261_123;
const RUNS = 10_000;
const SETTLED_MS = 500;

interface Screen {
  name: string;
  path: string;
  prepare?: (page: Page) => Promise<unknown>; // once it is open
  before?: (page: Page) => Promise<unknown>;
  readOnly?: boolean; // of the server that changes nothing
}

const inDefault = '/namespaces/default/';
const filtered = (query: string) => `${inDefault}workflows?q=${encodeURIComponent(query)}`;

/** A page behind dialogs that takes the eye, and bytes, for itself as little as can be. */
const quiet = filtered('WorkflowId = "nobody"');

/** What is there besides the crowd: a run of each shape. */
async function fill(server: Server, client: Client): Promise<Map<string, string>> {
  await crowd(client, SEED, RUNS);
  await server.command('demo', '--orders', '20', '--color', 'never');
  const start = (type: string, workflowId: string, ...args: unknown[]) =>
    client.workflow.start(type, { workflowId, taskQueue: QUEUE, args, memo: { owner: 'ada' } });
  const handles = await Promise.all([
    start('family', 'bundle-77', 'bundle-77'),
    start('troubled', 'parcel-1042', 100_000),
    start('approval', 'approval-9', { amount: 1200, currency: 'EUR' }),
    start('failing', 'order-lost', 'the warehouse is out of stock'),
    start('order', 'order-good', 'book', 2),
    start('order', 'order-other', 'lamp', 1),
    start('busy', 'crawler-3'),
    client.workflow.start('Nightly', { workflowId: 'nightly-2026-11-23', taskQueue: 'nightly' }),
  ]);
  await Promise.all([handles[4]!.result(), handles[5]!.result(), handles[3]!.result().catch(() => undefined)]);
  await eventually(async () => (await handles[1]!.describe()).raw.pendingActivities?.[0]?.attempt ?? 0, (n) => n > 3);
  const runIds = await Promise.all(handles.map(async (one) => [one.workflowId, (await one.describe()).runId] as const));
  return new Map(runIds);
}

function screens(runIds: Map<string, string>): Screen[] {
  const run = (id: string, tab: string) => `${inDefault}workflows/${id}/${runIds.get(id)}/${tab}`;
  const click = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).first().click();
  // What a shared worker asks is out of a page's reach: without one the page asks itself.
  const alone = (page: Page) => page.addInitScript(() => void delete (globalThis as { SharedWorker?: unknown }).SharedWorker);
  const never = async (page: Page) => {
    await alone(page);
    await page.route('**/api/v1/**', () => undefined);
  };
  const away = async (page: Page) => {
    await alone(page);
    await page.route('**/api/v1/**', (route) => route.abort());
  };
  const polling = async (page: Page) => {
    await alone(page);
    await page.route('**/api/v1/skald/stream', (route) => route.abort());
  };
  const actions = (item: string) => async (page: Page) => {
    await click('Actions')(page);
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  const press = (...keys: string[]) => async (page: Page) => {
    await page.getByRole('navigation').first().waitFor();
    for (const key of keys) await page.keyboard.press(key);
  };
  const many = async (page: Page) => {
    await select(page);
    await page.getByRole('toolbar').getByRole('button', { name: 'Terminate' }).click();
    await page.getByText('workflows match').waitFor();
  };
  const options = async (page: Page) => {
    await click('Start workflow')(page);
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Workflow type' }).fill('order');
    await dialog.getByRole('combobox', { name: 'Task queue' }).fill(QUEUE);
    await dialog.getByRole('textbox', { name: 'Workflow ID' }).click();
    await dialog.getByRole('button', { name: 'Add an argument' }).click();
    await dialog.getByRole('textbox', { name: 'Input, Argument 1' }).click();
    await page.keyboard.insertText('{"item": "book", "count": 2}');
    await dialog.locator('summary', { hasText: 'Time' }).click();
    await dialog.locator('summary', { hasText: 'Summary and priority' }).click();
  };
  const failActivity = (page: Page) => page.getByRole('button', { name: 'Fail', exact: true }).click();
  const foldTrace = (page: Page) => page.getByText('Stack trace').first().click(); // it names this machine's folders
  const details = async (page: Page) => {
    await page.getByRole('button', { name: `Details: worker@${QUEUE}` }).click();
    await page.getByText('What it polls').waitFor();
  };
  const openFailure = (page: Page) => page.getByRole('button', { name: /flaky: CarrierDown/ }).click();
  const unfold = async (page: Page) => {
    await page.getByRole('treegrid').getByRole('row').filter({ hasText: 'order' }).getByRole('button').first().click();
    await page.getByRole('row').filter({ hasText: 'charge' }).first().waitFor();
  };
  const ask = async (page: Page) => {
    await page.getByRole('button', { name: 'total', exact: true }).click();
    await page.getByRole('textbox', { name: 'Arguments' }).fill('19\n23');
    await page.getByRole('button', { name: 'Run query' }).click();
    await page.getByText(/took/).first().waitFor();
  };
  const tryIt = async (page: Page) => {
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('region', { name: 'Answer of the server' }).waitFor();
  };
  const select = async (page: Page) => {
    for (const n of [1, 2, 4]) await page.getByRole('checkbox', { name: /^Select / }).nth(n).check();
  };
  const palette = async (page: Page) => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('order-20');
    await page.getByRole('option').nth(3).waitFor();
  };
  return [
    { name: 'home', path: `${inDefault}home` },
    { name: 'home-failure', path: `${inDefault}home`, prepare: openFailure },
    { name: 'home-empty', path: '/namespaces/fresh/home' },
    { name: 'home-server-away', path: `${inDefault}home`, before: away },
    { name: 'workflows', path: `${inDefault}workflows` },
    { name: 'workflows-filtered', path: filtered('ExecutionStatus = "Failed" AND WorkflowType = "OrderWorkflow"') },
    { name: 'workflows-selected', path: filtered('ExecutionStatus = "Running"'), prepare: select },
    { name: 'workflows-wrong-filter', path: filtered('NoSuchColumn = 1') },
    { name: 'workflows-no-match', path: filtered('WorkflowId = "nobody"') },
    { name: 'workflows-loading', path: `${inDefault}workflows`, before: never },
    { name: 'workflows-server-away', path: `${inDefault}workflows`, before: away },
    { name: 'workflows-polling', path: `${inDefault}workflows`, before: polling },
    { name: 'workflows-read-only', path: `${inDefault}workflows`, readOnly: true },
    { name: 'workflows-terminate', path: filtered('ExecutionStatus = "Running"'), prepare: many },
    { name: 'workflows-empty', path: '/namespaces/fresh/workflows' },
    { name: 'palette', path: quiet, prepare: palette },
    { name: 'start', path: quiet, prepare: click('Start workflow') },
    { name: 'start-options', path: quiet, prepare: options },
    { name: 'account', path: quiet, prepare: click('Name and appearance') },
    { name: 'shortcuts', path: quiet, prepare: press('?') },
    { name: 'run-timeline', path: run('bundle-77', 'timeline'), prepare: unfold },
    { name: 'run-waits', path: `${run('bundle-77', 'timeline')}?waits=short` },
    { name: 'run-failed', path: run('order-lost', 'timeline') },
    { name: 'run-history', path: run('order-good', 'history') },
    { name: 'run-input', path: run('order-good', 'input') },
    { name: 'run-pending', path: run('parcel-1042', 'pending'), prepare: foldTrace },
    { name: 'run-queries', path: run('approval-9', 'queries'), prepare: ask },
    { name: 'run-relations', path: run('bundle-77', 'relations') },
    { name: 'run-workers', path: run('bundle-77', 'workers') },
    { name: 'run-compare', path: `${run('order-good', 'compare')}?with=order-other&run=${runIds.get('order-other')}` },
    { name: 'run-json', path: run('order-good', 'json') },
    { name: 'run-terminate', path: run('bundle-77', 'timeline'), prepare: actions('Terminate') },
    { name: 'run-signal', path: run('approval-9', 'timeline'), prepare: actions('Signal') },
    { name: 'run-delete', path: run('order-good', 'timeline'), prepare: actions('Delete') },
    { name: 'run-fail-activity', path: run('crawler-3', 'pending'), prepare: failActivity },
    { name: 'run-missing', path: `${inDefault}workflows/ghost/01a207c0-a1e5-7109-927c-1d1e818b6a03/timeline` },
    { name: 'task-queues', path: `${inDefault}task-queues` },
    { name: 'task-queue', path: `${inDefault}task-queues/nightly` },
    { name: 'task-queue-busy', path: `${inDefault}task-queues/${QUEUE}` },
    { name: 'task-queues-empty', path: '/namespaces/fresh/task-queues' },
    { name: 'workers', path: `${inDefault}workers` },
    { name: 'workers-one', path: `${inDefault}workers`, prepare: details },
    { name: 'workers-empty', path: '/namespaces/fresh/workers' },
    { name: 'namespaces', path: '/namespaces' },
    { name: 'namespace-create', path: '/namespaces', prepare: click('Create namespace') },
    { name: 'namespace-missing', path: '/namespaces/nowhere/workflows' },
    { name: 'settings', path: `${inDefault}settings` },
    { name: 'settings-attribute', path: `${inDefault}settings`, prepare: click('Add search attribute') },
    { name: 'settings-delete', path: '/namespaces/fresh/settings', prepare: click('Delete') },
    { name: 'api', path: '/api' },
    { name: 'api-method', path: '/api?op=ListWorkflowExecutions', prepare: tryIt },
    { name: 'import', path: '/import' },
    { name: 'not-found', path: '/no/such/page' },
  ];
}

async function take(browser: Browser, server: Server, screen: Screen, folder: string) {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [width, height] of [[1280, 860], [390, 844]] as const) {
      const viewport = { width, height };
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      context.setDefaultTimeout(10_000);
      const page = await context.newPage();
      await screen.before?.(page);
      await page.goto(server.base + screen.path.slice(1));
      await page.getByRole('navigation').first().waitFor();
      const name = `${screen.name}-${width}-${colorScheme}`;
      try {
        if (!screen.before) await page.getByText('Loading…').first().waitFor({ state: 'hidden' });
        await screen.prepare?.(page);
      } catch (error) {
        console.error(`${name}: ${error}`);
        process.exitCode = 1;
      }
      await sleep(SETTLED_MS); // what comes after the first rows has no end that could be waited for
      writeFileSync(join(folder, `${name}.png`), slim(await page.screenshot()));
      await context.close();
    }
}

const [folder = '.', ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const [server, readOnly, browser] = await Promise.all([
  Server.start({ args: ['--namespace', 'fresh', '--search-attribute', 'Customer=Keyword'] }),
  Server.start({ args: ['--read-only-ui'] }),
  launch(),
]);
const client = await connectClient(server.address);
const worker = await WorkerProcess.start(server.address);
try {
  const runIds = await fill(server, client);
  await readOnly.command('demo', '--orders', '20', '--color', 'never');
  for (const screen of screens(runIds))
    if (only.length === 0 || only.includes(screen.name)) await take(browser, screen.readOnly ? readOnly : server, screen, folder);
} finally {
  await browser.close();
  await worker.stop();
  await client.connection.close();
  await Promise.all([server.stop(), readOnly.stop()]);
}
