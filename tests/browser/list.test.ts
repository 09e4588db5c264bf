/* The list of workflows: rows, counts, filters, order, columns, views, export, keys, live rows. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { accessible, focus, gone, reads, visible } from './lib/check.ts';
import { crowd } from './lib/crowd.ts';
import { stage } from './lib/stage.ts';
import { eventually, QUEUE } from './lib/worker.ts';

const path = '/namespaces/default/workflows';
const CROWD = 300;

const s = stage({ worker: true, fill: ({ client }) => crowd(client, 11, CROWD) });

const rows = (page: Page) => page.locator('[role=row]:has(a[data-row])');
const link = (page: Page, id: string) => page.getByRole('link', { name: id, exact: true });
const chip = (page: Page, name: string) =>
  page.getByRole('group', { name: 'Status' }).getByRole('button', { name: new RegExp(`^${name}`) });
const filter = (page: Page) => page.getByRole('textbox', { name: 'Filter' });
const shownQuery = async (page: Page) => new URL(page.url()).searchParams.get('q') ?? '';

async function open(page: Page, query = '') {
  await page.goto(s.url(path + (query ? `?q=${encodeURIComponent(query)}` : '')));
  await visible(rows(page));
}

const shownIds = (page: Page) =>
  page.locator('a[data-row]').evaluateAll((all) => all.map((row) => row.getAttribute('aria-label')!));

/** By the bytes of their ids. */
async function idsOf(query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const run of s.client.workflow.list({ query })) ids.push(run.workflowId);
  return ids.sort((a, b) => (a < b ? -1 : 1));
}

async function count(query: string): Promise<number> {
  return (await s.client.workflow.count(query)).count;
}

s.test('twenty rows and more, with status, id, type, start, duration and queue [1]', async ({ page }) => {
  await open(page);
  const inView = await rows(page).evaluateAll(
    (all) => all.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length
  );
  assert(inView >= 20, `${inView} rows`);
  const heads = await page.getByRole('columnheader').allInnerTexts();
  for (const name of ['Status', 'Workflow ID', 'Type', 'Started', 'Duration', 'Task queue'])
    assert(heads.includes(name), `${name} is missing in ${heads}`);
  const { workflowId, type } = (await s.client.workflow.list({ pageSize: 1 })[Symbol.asyncIterator]().next())
    .value!;
  const row = rows(page).filter({ has: link(page, workflowId) });
  await reads(row, type);
  await reads(row, 'Running');
});

s.test('the statuses say how many, and a click filters by one [2]', async ({ page }) => {
  await open(page);
  await reads(chip(page, 'All'), String(CROWD));
  for (const status of ['Completed', 'Failed', 'Terminated', 'Running'])
    await reads(chip(page, status), String(await count(`ExecutionStatus = "${status}"`)));
  await chip(page, 'Failed').click();
  await eventually(() => shownQuery(page), (query) => query.includes('Failed'));
  await gone(rows(page).filter({ hasNotText: 'Failed' }));
  await chip(page, 'Terminated').click({ modifiers: ['Control'] });
  await visible(rows(page).filter({ hasText: 'Terminated' }));
  await visible(rows(page).filter({ hasText: 'Failed' }));
  await chip(page, 'All').click();
  await visible(rows(page).filter({ hasText: 'Running' }));
});

s.test('a filter is written, applied, kept in the address and undone by Back [1]', async ({ page }) => {
  await open(page);
  await filter(page).click();
  await page.keyboard.type('WorkflowType = "RefundPayment" AND TaskQueue = "billing"');
  await page.keyboard.press('Escape'); // closes the suggestions
  await page.keyboard.press('Escape'); // takes back what was not applied
  await eventually(() => filter(page).innerText(), (text) => !text.includes('RefundPayment'));
  await page.keyboard.press('/');
  await page.keyboard.insertText('WorkflowType = "RefundPayment"');
  await page.keyboard.press('Enter');
  await eventually(() => shownQuery(page), (query) => query === 'WorkflowType = "RefundPayment"');
  await gone(rows(page).filter({ hasNotText: 'RefundPayment' }));
  await reads(chip(page, 'All'), String(await count('WorkflowType = "RefundPayment"')));
  await page.goBack();
  await visible(rows(page).filter({ hasNotText: 'RefundPayment' }));
});

s.test('the filter completes columns, operators and values', async ({ page }) => {
  await open(page);
  await filter(page).click();
  await page.keyboard.type('WorkflowTy');
  await visible(page.getByRole('option', { name: /WorkflowType/, selected: true }));
  await page.keyboard.press('Enter');
  await eventually(() => filter(page).innerText(), (text) => text.startsWith('WorkflowType'));
  await visible(page.getByRole('option', { name: '=', exact: true }));
  await page.keyboard.type(' = ');
  await visible(page.getByRole('option', { name: /OrderWorkflow/ }));
  await page.keyboard.type('"Ord');
  await visible(page.getByRole('option', { name: /OrderWorkflow/, selected: true }));
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await eventually(() => shownQuery(page), (query) => /WorkflowType\s*=\s*["']OrderWorkflow["']/.test(query));
  await gone(rows(page).filter({ hasNotText: 'OrderWorkflow' }));
});

s.test('values come into the completion with the rows', async ({ page }) => {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.context().route(/\/api\/v1\/(skald\/stream|.*\/workflows\b)/, async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(s.url('/namespaces/default/workflows'));
  await filter(page).click();
  await page.keyboard.type('WorkflowType = ');
  await gone(page.getByRole('option', { name: /OrderWorkflow/ }));
  release();
  await visible(page.getByRole('option', { name: /OrderWorkflow/ }));
});

s.test('Enter runs the filter unless a suggestion is chosen or a word is half written', async ({ page }) => {
  await open(page);
  await filter(page).click();
  await visible(page.getByRole('option', { name: /ExecutionStatus/ })); // the list opens, and chooses nothing
  assert.equal(await page.getByRole('option', { selected: true }).count(), 0);
  await page.keyboard.type('ExecutionStatus = "Failed" ');
  await visible(page.getByRole('option', { name: 'AND' }));
  await page.keyboard.press('Enter'); // a space behind a filter that is whole
  await eventually(() => shownQuery(page), (query) => query === 'ExecutionStatus = "Failed"');
  await page.keyboard.type(' AND ', { delay: 150 }); // as people do: the list opens between the letters
  await visible(page.getByRole('option', { name: /WorkflowType/ }));
  await page.keyboard.press('ArrowDown'); // into the list: the first one
  await visible(page.getByRole('option', { name: /ExecutionStatus/, selected: true }));
  await page.keyboard.press('Enter');
  await eventually(() => filter(page).innerText(), (text) => /AND ExecutionStatus/.test(text));
  assert.equal(await shownQuery(page), 'ExecutionStatus = "Failed"');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('WorkflowType = "Refund');
  await visible(page.getByRole('option', { name: /RefundPayment/, selected: true })); // half written
  await page.keyboard.press('Enter');
  await eventually(() => filter(page).innerText(), (text) => text.includes('RefundPayment'));
  assert.equal(await shownQuery(page), 'ExecutionStatus = "Failed"');
  await page.keyboard.press('Enter');
  await eventually(() => shownQuery(page), (query) => query === 'WorkflowType = "RefundPayment"');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('ExecutionStatus = "Failed"');
  await page.keyboard.press('Enter'); // written out
  await eventually(() => shownQuery(page), (query) => query === 'ExecutionStatus = "Failed"');
});

s.test('what is wrong in a filter is said in place, in the words of the server', { allow: [/400/] }, async ({ page }) => {
  await open(page);
  await filter(page).click();
  await page.keyboard.insertText('NoSuchColumn = 1');
  await page.keyboard.press('Enter');
  await reads(page.getByRole('alert'), 'NoSuchColumn');
});

s.test('a condition is put together without knowing the language, and taken out again', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'Add filter' }).click();
  await page.getByRole('combobox', { name: 'Value' }).fill('OnboardCustomer');
  await page.keyboard.press('Enter');
  await eventually(() => shownQuery(page), (query) => query.includes('OnboardCustomer'));
  await gone(rows(page).filter({ hasNotText: 'OnboardCustomer' }));
  await page.getByRole('button', { name: 'Clear the filter' }).first().click();
  await visible(rows(page).filter({ hasNotText: 'OnboardCustomer' }));
});

s.test('a filter that matches nothing says so', async ({ page }) => {
  await page.goto(s.url(`${path}?q=${encodeURIComponent('WorkflowId = "nobody"')}`));
  await visible(page.getByText('No workflow matches'));
  await accessible(page, 'no match');
});

s.test('a click on a column sorts, and the address says by what', async ({ page }) => {
  await open(page, 'WorkflowType = "OrderWorkflow" AND ExecutionStatus = "Failed"');
  const wanted = await idsOf('WorkflowType = "OrderWorkflow" AND ExecutionStatus = "Failed"');
  const head = page.getByRole('columnheader', { name: 'Workflow ID' });
  await head.getByRole('button').click();
  await eventually(async () => head.getAttribute('aria-sort'), (way) => way === 'ascending');
  await eventually(() => shownIds(page), (ids) => ids.join() === wanted.join());
  await head.getByRole('button').click();
  await eventually(async () => head.getAttribute('aria-sort'), (way) => way === 'descending');
  await eventually(() => shownIds(page), (ids) => ids.join() === [...wanted].reverse().join());
  assert.equal(new URL(page.url()).searchParams.get('sort'), '-workflowId');
  await head.getByRole('button').click(); // the third: as it was
  await eventually(async () => head.getAttribute('aria-sort'), (way) => way === 'none');
  assert.equal(new URL(page.url()).searchParams.get('sort'), null);
});

s.test('the whole list is sorted, not what is loaded of it; paging goes on, new rows find their place', async ({ page }) => {
  const wanted = await idsOf('');
  assert(wanted.length >= CROWD);
  await open(page);
  const first = await shownIds(page);
  await page.getByRole('columnheader', { name: 'Workflow ID' }).getByRole('button').click();
  await eventually(() => shownIds(page), (ids) => ids[0] === wanted[0] && ids[9] === wanted[9]);
  assert.notDeepEqual(first.slice(0, 10), wanted.slice(0, 10)); // the server's own order is another one
  await page.reload(); // the address keeps it
  await eventually(() => shownIds(page), (ids) => ids[0] === wanted[0] && ids[9] === wanted[9]);
  const seen = new Map<number, string>();
  await eventually(async () => {
    for (const row of await page.locator('a[data-row]').all())
      seen.set(Number(await row.getAttribute('data-row')), (await row.getAttribute('aria-label'))!);
    await page.locator('[role=rowgroup]').last().evaluate((element) => (element.scrollTop += 700));
    return seen.has(wanted.length - 1);
  });
  assert.deepEqual([...seen.keys()].sort((a, b) => a - b).map((i) => seen.get(i)), wanted);
  await page.locator('[role=rowgroup]').last().evaluate((element) => (element.scrollTop = 0));
  await page.mouse.move(0, 0);
  await s.client.workflow.start('MonthlyInvoice', { workflowId: '0-first', taskQueue: 'billing' });
  await eventually(() => shownIds(page), (ids) => ids[0] === '0-first' && ids[1] === wanted[0]);
  await s.client.workflow.getHandle('0-first').terminate();
});

s.test('open ones stand last where the value is known at the close, and it says so', async ({ page }) => {
  await page.goto(s.url(`${path}?sort=-duration`));
  await visible(page.getByText('Open ones last'));
  await reads(rows(page).first(), /Completed|Failed|Terminated/);
  // Alone they are put in order by how long they take so far: who began first stands first.
  await page.getByRole('button', { name: 'Open ones last' }).click();
  await page.waitForURL(/sort=-duration/);
  await reads(rows(page).first(), /Running/);
  const open = s.client.workflow.list({ query: 'ExecutionStatus = "Running"' });
  const began: { id: string; at: number }[] = [];
  for await (const { workflowId, executionTime, startTime } of open)
    began.push({ id: workflowId, at: (executionTime ?? startTime).getTime() });
  const first = Math.min(...began.map(({ at }) => at));
  await eventually(() => shownIds(page), ([id]) => began.some((run) => run.id === id && run.at === first));
  assert.equal(await page.getByText('Open ones last').count(), 0);
  await page.goto(s.url(`${path}?sort=-duration`));
  const menu = page.getByRole('button', { name: 'Columns' });
  await menu.click();
  await page.getByRole('checkbox', { name: 'Run ID' }).check();
  await page.keyboard.press('Escape');
  const runId = page.getByRole('columnheader', { name: 'Run ID' });
  await visible(runId);
  assert.equal(await runId.getByRole('button').count(), 0, 'run ids have no order');
  await menu.click();
  await page.getByRole('button', { name: 'Back to the usual columns' }).click();
});

s.test('an order that the server does not keep is refused in place', { allow: [/400/] }, async ({ page }) => {
  await page.goto(s.url(`${path}?sort=${encodeURIComponent('SA:Nobody')}`));
  await reads(page.getByRole('alert'), 'invalid order_by');
  await page.getByRole('alert').getByRole('button').click();
  await visible(rows(page));
  assert.equal(new URL(page.url()).searchParams.get('sort'), null);
});

s.test('at 390 pixels the order is chosen from a menu', { mobile: true }, async ({ page }) => {
  const wanted = await idsOf('');
  await open(page);
  await page.getByRole('button', { name: 'Sort by' }).click();
  await page.getByRole('menuitem', { name: 'Workflow ID' }).click();
  await eventually(() => shownIds(page), (ids) => ids[0] === wanted[0]);
  await page.getByRole('button', { name: /Sorted by Workflow ID/ }).click();
  await eventually(() => shownIds(page), (ids) => ids[0] !== wanted[0]);
});

s.test('columns are chosen, moved and put back', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('checkbox', { name: 'Run ID' }).check();
  await visible(page.getByRole('columnheader', { name: 'Run ID' }));
  await page.getByRole('checkbox', { name: 'Duration' }).uncheck();
  await gone(page.getByRole('columnheader', { name: 'Duration' }));
  await page.getByRole('button', { name: 'Move Run ID left' }).click();
  const heads = await page.getByRole('columnheader').allInnerTexts();
  assert.equal(heads.indexOf('Run ID'), heads.indexOf('Task queue') - 1);
  await page.reload();
  await visible(page.getByRole('columnheader', { name: 'Run ID' }));
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('button', { name: 'Back to the usual columns' }).click();
  await gone(page.getByRole('columnheader', { name: 'Run ID' }));
});

s.test('a view is saved on the server, seen by another browser, changed and deleted', async ({ page }) => {
  await open(page, 'ExecutionStatus = "Failed"');
  const menu = () => page.getByRole('button', { name: /Failed|Views|Broken|All workflows/, expanded: false }).first();
  await menu().click();
  await page.getByRole('menuitem', { name: 'Save this view…' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Broken');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await visible(page.getByText('View “Broken” saved'));
  await s.visit({}, async ({ page: other }) => {
    await open(other);
    await other.getByRole('button', { name: /All workflows/ }).click();
    await other.getByRole('menuitem', { name: /Broken/ }).click();
    await gone(rows(other).filter({ hasNotText: 'Failed' }));
    assert.equal(new URL(other.url()).searchParams.get('view'), 'Broken');
    await other.getByRole('button', { name: /Broken/ }).first().click();
    await other.getByRole('menuitem', { name: 'Delete “Broken”' }).click();
    await visible(other.getByText('View “Broken” deleted'));
    await other.getByRole('button', { name: 'Put it back' }).click();
    await visible(other.getByText('View “Broken” saved'));
    await other.getByRole('button', { name: /Failed|Views|All workflows/, expanded: false }).first().click();
    await visible(other.getByRole('menuitem', { name: /^Broken/ }));
  });
});

s.test('the whole query is exported as JSON and as CSV', async ({ page }) => {
  await open(page, 'ExecutionStatus = "Failed"');
  const wanted = await count('ExecutionStatus = "Failed"');
  const download = async (what: string) => {
    await page.getByRole('button', { name: 'Export' }).click();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: what }).click(),
    ]);
    return await readFile(await file.path(), 'utf8');
  };
  assert.equal(JSON.parse(await download('As JSON')).length, wanted);
  const lines = (await download('As CSV')).trim().split(/\r?\n/);
  assert.equal(lines.length, wanted + 1);
  assert.match(lines[0]!, /Status.*Workflow ID.*Type/);
});

s.test('rows beyond the first page come as the list is scrolled', async ({ page }) => {
  await open(page);
  const grid = page.getByRole('table').or(page.getByRole('grid')).first();
  await eventually(async () => {
    await grid.evaluate((element) => {
      for (let at: Element | null = element; at; at = at.parentElement) at.scrollTop = at.scrollHeight;
      for (const inner of element.querySelectorAll('*')) if (inner.scrollHeight > inner.clientHeight + 100) inner.scrollTop = inner.scrollHeight;
    });
    return await page.locator(`a[data-row="${CROWD - 1}"]`).count();
  });
});

s.test('j and k walk, x selects, Enter opens, Back returns', async ({ page }) => {
  await open(page, 'ExecutionStatus = "Running"');
  const at = () => page.evaluate(() => document.activeElement?.getAttribute('data-row'));
  await page.keyboard.press('j');
  await eventually(at, (row) => row === '0');
  assert((await focus(page)).shown, 'the focus is not visible on a row');
  await page.keyboard.press('j');
  await eventually(at, (row) => row === '1');
  await page.keyboard.press('k');
  await eventually(at, (row) => row === '0');
  await page.keyboard.press('x');
  await visible(page.getByText('1 selected'));
  await page.keyboard.press('x');
  await gone(page.getByText('1 selected'));
  const id = (await focus(page)).name;
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/timeline/);
  assert.equal(decodeURIComponent(new URL(page.url()).pathname.split('/')[4]!), id);
  await page.goBack();
  await visible(rows(page));
  assert.equal(await shownQuery(page), 'ExecutionStatus = "Running"');
});

s.test('a run that starts appears by itself, and one that ends changes its status', async ({ page }) => {
  await page.goto(s.url(`${path}?q=${encodeURIComponent('WorkflowType = "approval"')}`));
  await visible(page.getByText('No workflow matches'));
  const handle = await s.client.workflow.start('approval', { workflowId: 'live-1', taskQueue: QUEUE });
  const row = rows(page).filter({ has: link(page, 'live-1') });
  await reads(row, 'Running');
  await handle.signal('approve', 'yes');
  await reads(row, 'Completed');
});

s.test('new rows gather while the pointer is over the list, and come on a click', async ({ page }) => {
  await open(page, 'TaskQueue = "billing"');
  const first = rows(page).first();
  const before = await first.innerText();
  await first.hover();
  for (const n of [1, 2])
    await s.client.workflow.start('MonthlyInvoice', { workflowId: `held-${n}`, taskQueue: 'billing' });
  const bar = page.getByRole('button', { name: /2 new/ });
  await visible(bar);
  const columns = (text: string) => text.split('\n').slice(0, 3).join();
  assert.equal(columns(await first.innerText()), columns(before), 'the row under the pointer moved');
  await bar.click();
  await visible(link(page, 'held-2'));
});

s.test('a list that is scrolled, or where something is selected, stays; what is new is shown at the top', async ({ page }) => {
  await open(page);
  const body = page.locator('[role=rowgroup]').last();
  await body.evaluate((element) => (element.scrollTop = 1400));
  await eventually(() => page.locator('a[data-row="40"]').count());
  const places = () =>
    page.locator('a[data-row]').evaluateAll((all) => all.map((row) => `${row.getAttribute('aria-label')} ${row.getBoundingClientRect().top}`));
  await page.mouse.move(0, 0);
  await visible(page.getByText('First 100 live')); // those below were loaded, and stay as they were
  const before = await places();
  await s.client.workflow.start('MonthlyInvoice', { workflowId: 'above-1', taskQueue: 'billing' });
  const bar = page.getByRole('button', { name: '1 new' });
  await visible(bar);
  assert.deepEqual(await places(), before);
  await bar.click();
  await visible(link(page, 'above-1'));
  assert.equal(await body.evaluate((element) => element.scrollTop), 0);
  await rows(page).nth(2).getByRole('checkbox').check();
  await page.mouse.move(0, 0);
  const selected = await places();
  await s.client.workflow.start('MonthlyInvoice', { workflowId: 'above-2', taskQueue: 'billing' });
  await visible(bar);
  assert.deepEqual(await places(), selected);
  await page.getByRole('button', { name: 'Clear selection' }).click();
  await visible(link(page, 'above-2')); // by itself, at the top and with no hand on it
});

s.test('at 390 pixels a row is two lines, with nothing to the side', { mobile: true }, async ({ page }) => {
  await open(page);
  const box = await rows(page).first().boundingBox();
  assert(box && box.width <= 390 && box.height > 40, JSON.stringify(box));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(wide <= 390, `${wide} pixels wide`);
  await reads(rows(page).first(), /\w+/);
});

s.test('nothing in the list is inaccessible', async ({ page }) => {
  await open(page);
  await accessible(page, 'list');
  await rows(page).first().getByRole('checkbox').check();
  await accessible(page, 'selection');
  await page.getByRole('button', { name: 'Clear selection' }).click();
  await page.getByRole('button', { name: 'Columns' }).click();
  await visible(page.getByRole('checkbox', { name: 'Run ID' }));
  await accessible(page, 'columns');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Add filter' }).click();
  await visible(page.getByRole('combobox', { name: 'Value' }));
  await accessible(page, 'add filter');
});
