/* Task queues, workers, and the page that opens a morning. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { accessible, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { QUEUE } from './lib/worker.ts';

const lonely = 'lonely #1 / ?';
const s = stage({
  worker: true,
  demo: 10,
  fill: async ({ client }) => {
    await client.workflow.start('never', { workflowId: 'waits', taskQueue: lonely });
  },
});

const row = (page: Page, text: string | RegExp) => page.getByRole('row').filter({ hasText: text });

s.test('the queues are listed, those that need somebody first [39, 40]', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/task-queues'));
  await visible(row(page, QUEUE));
  await reads(page.locator('tbody tr').first(), lonely);
  await reads(row(page, lonely), 'No pollers');
  await reads(row(page, lonely), '1');
  await page.getByLabel('Find a queue').fill(QUEUE.slice(0, 4));
  await visible(row(page, QUEUE));
  assert.equal(await row(page, lonely).count(), 0);
});

s.test('queues and workers are sorted by a column, and no row moves under the pointer', async ({ page }) => {
  const first = page.locator('tbody tr').first();
  await page.goto(s.url('/namespaces/default/task-queues'));
  await visible(row(page, QUEUE));
  const head = page.getByRole('columnheader', { name: 'Queue' });
  await head.getByRole('button').click();
  assert.equal(await head.getAttribute('aria-sort'), 'ascending');
  assert.equal(new URL(page.url()).searchParams.get('sort'), 'name');
  const before = await first.innerText();
  await first.hover();
  await s.client.workflow.start('approval', { workflowId: 'early', taskQueue: '0-early' });
  await visible(row(page, '0-early'));
  assert.equal((await first.innerText()).split('\n')[0], before.split('\n')[0]);
  await page.mouse.move(0, 0);
  await reads(first, '0-early');
  await head.getByRole('button').click();
  await reads(page.locator('tbody tr').last(), '0-early');
  await s.client.workflow.getHandle('early').terminate();
  await page.goto(s.url('/namespaces/default/workers?sort=-taken'));
  await visible(row(page, QUEUE));
  assert.equal(await page.getByRole('columnheader', { name: 'Taken' }).getAttribute('aria-sort'), 'descending');
});

s.test('one queue says why nothing runs in it [39, 40]', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/task-queues'));
  await page.getByRole('link', { name: lonely }).click();
  await visible(page.getByRole('heading', { name: lonely }));
  assert.equal(decodeURIComponent(new URL(page.url()).pathname.split('/').at(-1)!), lonely);
  await reads(page.locator('main'), 'Why nothing runs here');
  await reads(page.locator('main'), /No worker polls/);
  await page.getByRole('link', { name: 'Its workflows' }).click();
  await visible(page.getByRole('link', { name: 'waits' }));
});

s.test('a queue with a worker shows who polls it, and plots [39]', async ({ page }) => {
  await page.goto(s.url(`/namespaces/default/task-queues/${encodeURIComponent(QUEUE)}`));
  await visible(page.getByRole('table', { name: 'Pollers' }));
  await page.getByRole('link', { name: 'Its workers' }).click();
  await reads(page.locator('main'), `that poll ${QUEUE}`);
});

s.test('workers say what they poll and how they are [42]', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/workers'));
  const mine = row(page, QUEUE);
  await visible(mine);
  await reads(mine, /typescript/i);
  await mine.getByRole('button', { name: /^Details/ }).click();
  await reads(page.locator('main'), 'What it polls');
  await reads(page.locator('main'), /First seen/);
});

s.test('home says what fails and where to look', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/home'));
  const inbox = page.getByRole('table', { name: 'What fails' });
  await visible(inbox);
  await reads(page.locator('main'), /Running/);
  await reads(page.locator('main'), lonely);
  await inbox.getByRole('button', { name: /ShipOrder: NotReachable/ }).click();
  await visible(page.getByText('The latest runs with it'));
  await inbox.getByRole('link', { name: /carrier-down/ }).first().click();
  await page.waitForURL(/workflows\/[^/]+\/[^/]+/);
});

s.test('home leads to the running workflows', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/home'));
  // Others are links sooner than this one is.
  const running = page.locator('main dl > *').filter({ has: page.getByText('Running', { exact: true }) });
  await running.getByRole('link').click();
  await page.waitForURL(/q=ExecutionStatus/);
  await visible(page.locator('[role=row]:has(a[data-row])'));
});

s.test('nothing is inaccessible in these pages', async ({ page }) => {
  const pages = ['home', 'task-queues', `task-queues/${encodeURIComponent(lonely)}`, 'workers'];
  for (const path of pages) {
    await page.goto(s.url(`/namespaces/default/${path}`));
    await visible(page.getByText(/ago|just now|waits|No pollers/));
    await accessible(page, path);
  }
});

s.test('at 390 pixels nothing scrolls sideways', { mobile: true }, async ({ page }) => {
  for (const path of ['home', 'task-queues', `task-queues/${encodeURIComponent(QUEUE)}`, 'workers']) {
    await page.goto(s.url(`/namespaces/default/${path}`));
    await visible(page.getByText(QUEUE).or(page.getByText(lonely)));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= 390, `${path} is ${wide} pixels wide`);
  }
});
