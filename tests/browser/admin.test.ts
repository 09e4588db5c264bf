/* Namespaces, search attributes, the server, the API's page, and a namespace in which nothing ran. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { accessible, gone, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { eventually } from './lib/worker.ts';

const s = stage({ server: { args: ['--namespace', 'blank'] } });
const dialog = (page: Page) => page.getByRole('dialog');
const cell = (page: Page, name: string) => page.getByRole('cell', { name, exact: true });

const describe = (namespace: string) =>
  s.client.workflowService.describeNamespace({ namespace }).catch(() => undefined);

async function attributes(namespace: string) {
  const answer = await s.client.connection.operatorService.listSearchAttributes({ namespace });
  return Object.keys(answer.customAttributes ?? {});
}

async function fill(page: Page, fields: Record<string, string>) {
  for (const [name, text] of Object.entries(fields))
    await page.getByRole('textbox', { name }).fill(text);
}

s.test('a namespace is made, listed, described and changed [45, 46, 47]', async ({ page }) => {
  await page.goto(s.url('/namespaces'));
  await visible(page.getByRole('link', { name: 'default', exact: true }));
  await page.getByRole('button', { name: 'Create namespace' }).click();
  await fill(page, { Retention: '7d', Description: 'Orders', Owner: 'ada@example.com', Data: 'team=blue' });
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('shop');
  await reads(dialog(page), 'temporal operator namespace create');
  await dialog(page).getByRole('button', { name: 'Create namespace' }).click();
  await visible(page.getByRole('link', { name: 'shop', exact: true }));
  const made = await describe('shop');
  assert.equal(made?.namespaceInfo?.description, 'Orders');
  assert.equal(made?.namespaceInfo?.data?.['team'], 'blue');
  assert.equal(String(made?.config?.workflowExecutionRetentionTtl?.seconds), String(7 * 86400));
  await page.getByRole('link', { name: 'Settings: shop' }).click();
  await visible(page.getByText('ada@example.com'));
  await page.getByRole('button', { name: 'Edit' }).click();
  await fill(page, { Retention: '10d', Description: 'Orders and refunds' });
  await page.getByRole('button', { name: 'Save' }).click();
  await gone(dialog(page));
  await visible(page.getByText('Orders and refunds'));
  const retention = async () => String((await describe('shop'))?.config?.workflowExecutionRetentionTtl?.seconds);
  await eventually(retention, (seconds) => seconds === String(10 * 86400));
});

s.test('a retention that is none is not sent', async ({ page }) => {
  await page.goto(s.url('/namespaces'));
  await page.getByRole('button', { name: 'Create namespace' }).click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('odd');
  await fill(page, { Retention: 'soon' });
  await reads(dialog(page), 'Not a duration');
  assert(await dialog(page).getByRole('button', { name: 'Create namespace' }).isDisabled());
});

s.test('what the server refuses is said in its words', { allow: [/409/] }, async ({ page }) => {
  await page.goto(s.url('/namespaces'));
  await page.getByRole('button', { name: 'Create namespace' }).click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('default');
  await dialog(page).getByRole('button', { name: 'Create namespace' }).click();
  await reads(dialog(page).getByRole('alert'), /already/i);
});

s.test('search attributes are listed, added and removed [49, 50]', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/settings'));
  await page.getByRole('button', { name: 'Add search attribute' }).click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Region');
  await page.getByLabel('Type').selectOption('KeywordList');
  await dialog(page).getByRole('button', { name: 'Add search attribute' }).click();
  await visible(cell(page, 'Region'));
  await visible(cell(page, 'KeywordList'));
  assert.deepEqual(await attributes('default'), ['Region']);
  await page.getByRole('button', { name: 'Remove Region' }).click();
  await reads(dialog(page), 'temporal operator search-attribute remove');
  await dialog(page).getByRole('button', { name: 'Remove' }).click();
  await gone(cell(page, 'Region'));
  assert.deepEqual(await attributes('default'), []);
});

s.test('the settings say what server this is and whether it serves [53]', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/settings'));
  const server = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Server' }) });
  await reads(server, 'Serving');
  await reads(server, s.server.address);
  await reads(server, 'sqlite');
  const info = await s.client.workflowService.getClusterInfo({});
  await reads(server, info.serverVersion ?? 'none');
});

s.test('a namespace is deleted, once its name was typed [48]', async ({ page }) => {
  await s.client.workflowService.registerNamespace({
    namespace: 'gone',
    workflowExecutionRetentionPeriod: { seconds: 86400 as never },
  });
  await page.goto(s.url('/namespaces/gone/settings'));
  await page.getByRole('button', { name: 'Delete' }).click();
  const button = dialog(page).getByRole('button', { name: 'Delete namespace' });
  assert(await button.isDisabled());
  await page.getByLabel('Type gone to confirm').fill('gone');
  await button.click();
  await page.waitForURL(/\/namespaces$/);
  await visible(page.getByRole('link', { name: 'default', exact: true }));
  await eventually(() => describe('gone'), (found) => found === undefined);
});

s.test('the switcher goes to another namespace', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/workflows'));
  await page.getByRole('button', { name: 'Namespace: default' }).click();
  await page.getByPlaceholder('Find a namespace').fill('bla');
  await page.getByRole('option', { name: 'blank' }).click();
  await page.waitForURL(/\/namespaces\/blank\/workflows/);
  await visible(page.getByRole('button', { name: 'Namespace: blank' }));
});

s.test('a namespace in which nothing ran says how to begin, and comes alive', async ({ page }) => {
  await page.goto(s.url('/namespaces/blank/workflows'));
  await visible(page.getByRole('heading', { name: 'Nothing runs here yet' }));
  await reads(page.locator('main'), s.server.address);
  await reads(page.locator('main'), `namespace: 'blank'`);
  await page.getByText('Python', { exact: true }).click();
  await reads(page.locator('main'), 'namespace="blank"');
  await reads(page.getByRole('status').filter({ hasText: 'worker' }), 'Waiting for a worker');
  const poll = s.client.workflowService
    .pollWorkflowTaskQueue({ namespace: 'blank', taskQueue: { name: 'hello' }, identity: 'first' })
    .catch(() => undefined);
  await reads(page.getByRole('status').filter({ hasText: 'worker' }), 'A worker is here');
  await page.locator('main').getByRole('status').getByRole('button', { name: 'Start workflow' }).click();
  assert.equal(await page.getByRole('combobox', { name: 'Task queue' }).inputValue(), 'hello');
  await page.getByRole('combobox', { name: 'Workflow type' }).fill('Hello');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await visible(page.locator('[role=row]:has(a[data-row])'));
  await poll;
});

const method = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Methods' }).getByRole('link', { name });

s.test('the page of the API finds a method and shows its fields, a body to fill in and the call', async ({ page }) => {
  await page.goto(s.url('/api'));
  await page.getByLabel('Find a method').fill('signal workflow');
  await method(page, 'POST SignalWorkflowExecution').click();
  const view = page.getByRole('article', { name: 'SignalWorkflowExecution' });
  await reads(view, 'Fields of the body');
  await view.getByRole('button', { name: /^workflowExecution/ }).first().click();
  await visible(view.getByText('runId', { exact: true }));
  await view.getByLabel('workflowId').fill('a/b');
  await view.getByLabel('signalName').fill('go');
  await reads(view, "/namespaces/default/workflows/a%2Fb/signal/go'".replace("'", ''));
  assert.equal(await view.getByRole('button', { name: 'Try it' }).count(), 0); // it would change something
  await accessible(page, 'a method of the API');
  const address = page.url();
  await page.goto(s.url('/'));
  await page.goto(address); // the address is the state
  await visible(page.getByRole('heading', { name: 'SignalWorkflowExecution' }));
  await page.getByLabel('Find a method').fill('no such method');
  await visible(page.getByText('No method has all these words.'));
});

s.test('a GET is tried in place, its answer and its error shown as they come', { allow: [/404/] }, async ({ page }) => {
  await page.goto(s.url('/api?op=DescribeNamespace'));
  const view = page.getByRole('article', { name: 'DescribeNamespace' });
  await view.getByRole('button', { name: 'Try it' }).click();
  const answer = view.getByRole('region', { name: 'Answer of the server' });
  await reads(answer, '"name": "default"');
  await reads(view.getByRole('status'), /HTTP 200 · \d+ ms/);
  await view.getByLabel('namespace').first().fill('nowhere');
  await view.getByRole('button', { name: 'Try it' }).click();
  await reads(view.getByRole('status'), 'HTTP 404');
  await reads(answer, 'nowhere');
  await accessible(page, 'an answer');
  await view.getByLabel('namespace').first().fill('');
  await reads(page.getByRole('button', { name: 'Try it' }), 'Try it');
  assert(await view.getByRole('button', { name: 'Try it' }).isDisabled());
});

s.test('a call that waits can be stopped', async ({ page }) => {
  const { client } = s;
  const run = await client.workflow.start('Nothing', { workflowId: `api-${Date.now()}`, taskQueue: 'nobody' });
  await page.goto(s.url('/api?op=GetWorkflowExecutionHistory'));
  const view = page.getByRole('article', { name: 'GetWorkflowExecutionHistory' });
  await view.getByLabel('workflowId').fill(run.workflowId);
  await view.getByLabel('waitNewEvent').fill('true');
  await view.getByLabel('historyEventFilterType').fill('HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT');
  await view.getByRole('button', { name: 'Try it' }).click();
  await view.getByRole('button', { name: 'Stop' }).click();
  await visible(view.getByRole('button', { name: 'Try it' }));
  await run.terminate();
});

s.test('what is not built yet is shown when it is asked for, and says so', async ({ page }) => {
  await page.goto(s.url('/api?q=CreateSchedule'));
  await visible(page.getByText('No method has all these words.'));
  await page.getByRole('checkbox', { name: /not built yet/ }).check();
  await method(page, 'POST CreateSchedule').click();
  await reads(page.locator('main'), 'this server answers 501');
});

s.test('nothing is inaccessible in these pages', async ({ page }) => {
  const pages = ['/namespaces', '/namespaces/default/settings', '/api', '/api?op=ListWorkflowExecutions'];
  for (const path of pages) {
    await page.goto(s.url(path));
    await visible(page.locator('h1'));
    await accessible(page, path);
  }
});

s.test('at 390 pixels nothing scrolls sideways', { mobile: true }, async ({ page }) => {
  for (const path of ['/namespaces', '/namespaces/default/settings', '/api', '/api?op=StartWorkflowExecution', '/namespaces/blank/workflows']) {
    await page.goto(s.url(path));
    await visible(page.locator('h1, h2'));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= 390, `${path} is ${wide} pixels wide`);
  }
});
