/* The UI behind a base path, read-only: every page, every link, and no way to change anything. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { accessible, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { eventually, QUEUE } from './lib/worker.ts';

const base = '/x/y/';
const s = stage({ worker: true, demo: 4, server: { basePath: base, args: ['--read-only-ui'] } });
const list = '/namespaces/default/workflows';
const pathOf = (page: Page) => new URL(page.url()).pathname;
const rows = (page: Page) => page.locator('[role=row]:has(a[data-row])');

s.test('every link and request stays below the base path', async ({ page }) => {
  const outside: string[] = [];
  page.on('request', (request) => {
    const { pathname, protocol } = new URL(request.url());
    if (protocol === 'http:' && !pathname.startsWith(base)) outside.push(pathname);
  });
  await page.goto(s.url('/'));
  await visible(rows(page));
  await eventually(async () => pathOf(page), (path) => path === `${base}namespaces/default/workflows`);
  await rows(page).locator('a').first().click();
  await page.waitForURL(/\/x\/y\/namespaces\/default\/workflows\/.+\/timeline/);
  const tabs = page.getByRole('navigation', { name: 'Pages of this run' }).getByRole('link');
  for (let i = 0; i < (await tabs.count()); i++) {
    await tabs.nth(i).click();
    await visible(page.getByRole('heading', { level: 1 }));
    assert(pathOf(page).startsWith(`${base}namespaces/`), pathOf(page));
  }
  const hrefs = await page.locator('a[href]').evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).pathname));
  for (const href of hrefs) assert(href.startsWith(base), href);
  assert.deepEqual(outside, []);
});

s.test('a deep address works when it is loaded again', async ({ page }) => {
  const workflowId = `odd /#%? ${randomUUID()}`;
  const handle = await s.client.workflow.start('approval', { workflowId, taskQueue: QUEUE });
  const { runId } = await handle.describe();
  await page.goto(s.url(`${list}/${encodeURIComponent(workflowId)}/${runId}/history`));
  await reads(page.locator('main'), 'Workflow execution started');
  await page.reload();
  await reads(page.locator('main'), 'Workflow execution started');
  await page.goBack();
});

s.test('what changes something is off and says why', async ({ page }) => {
  const handle = await s.client.workflow.start('forever', { workflowId: `ro-${randomUUID()}`, taskQueue: QUEUE });
  await page.goto(s.url(list));
  await visible(rows(page));
  await reads(page.locator('header'), 'Read-only');
  const start = page.getByRole('button', { name: 'Start workflow' });
  assert.equal(await start.getAttribute('aria-disabled'), 'true');
  await start.hover();
  await reads(page.getByRole('tooltip'), 'read-only');
  const { runId } = await handle.describe();
  await page.goto(s.url(`${list}/${handle.workflowId}/${runId}/timeline`));
  await page.getByRole('button', { name: 'Actions' }).click();
  const items = page.getByRole('menuitem');
  await visible(items);
  for (let i = 0; i < (await items.count()); i++) {
    assert(await items.nth(i).isDisabled(), await items.nth(i).innerText());
    assert.match((await items.nth(i).getAttribute('title')) ?? '', /read-only/);
  }
  await accessible(page, 'read-only');
});

s.test('the server refuses what a page would not ask', async ({ page }) => {
  const handle = await s.client.workflow.start('forever', { workflowId: `refused-${randomUUID()}`, taskQueue: QUEUE });
  await page.goto(s.url(list));
  const answers: Record<string, number> = {};
  const ask = async (name: string, method: string, path: string, data?: object) => {
    const headers = data ? { 'content-type': 'application/json' } : undefined;
    const options = { method, ...(headers ? { headers } : {}), ...(data ? { data } : {}) };
    answers[name] = (await page.request.fetch(`${s.server.base}api/v1/${path}`, options)).status();
  };
  const run = `namespaces/default/workflows/${handle.workflowId}`;
  await ask('terminate', 'POST', `${run}/terminate`, { reason: 'x' });
  await ask('signal', 'POST', `${run}/signal/x`, {});
  await ask('start', 'POST', `namespaces/default/workflows/another`, {});
  await ask('namespace', 'POST', 'namespaces', { namespace: 'another' });
  await ask('rpc', 'POST', 'rpc/TerminateWorkflowExecution', { namespace: 'default' });
  await ask('view', 'POST', 'skald/namespaces/default/views', { view: { name: 'mine' } });
  for (const [name, status] of Object.entries(answers)) assert.equal(status, 403, name);
  assert.equal((await handle.describe()).status.name, 'RUNNING');
});
