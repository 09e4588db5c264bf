/* One run: header, waterfall, history, input and result, pending, queries, family, workers, JSON. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { Page } from 'playwright-core';
import { accessible, gone, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { eventually, QUEUE, workflowBundle } from './lib/worker.ts';

const s = stage({ worker: true, server: { args: ['--search-attribute', 'Customer=Keyword'] } });
const TABS = ['timeline', 'history', 'input', 'pending', 'queries', 'relations', 'workers', 'compare', 'json'];

const main = (page: Page) => page.locator('main');
const tab = (page: Page, name: RegExp) =>
  page.getByRole('navigation', { name: 'Pages of this run' }).getByRole('link', { name });
const step = (page: Page, name: string) =>
  page.getByRole('treegrid', { name: 'Timeline' }).getByRole('row').filter({ hasText: name });
const event = (page: Page, name: RegExp | string) =>
  page.getByRole('treegrid', { name: 'History' }).getByRole('row').filter({ hasText: name });

const shownId = (page: Page) => main(page).locator('h1 + *').textContent();

async function start(type: string, args: unknown[] = [], workflowId = `${type}-${randomUUID()}`) {
  const extra = { memo: { owner: 'ada', ticket: 42 }, workflowRunTimeout: '1 hour' } as const;
  return await s.client.workflow.start(type, { workflowId, taskQueue: QUEUE, args, ...extra });
}

async function path(handle: WorkflowHandle, tab = ''): Promise<string> {
  const { runId } = await handle.describe();
  const id = encodeURIComponent(handle.workflowId);
  return `/namespaces/default/workflows/${id}/${runId}${tab && `/${tab}`}`;
}

async function open(page: Page, handle: WorkflowHandle, tab = 'timeline') {
  await page.goto(s.url(await path(handle, tab)));
  await visible(page.getByRole('heading', { level: 1 }));
}

s.test('the header says what it is and how it stands [3]', async ({ page }) => {
  const handle = await start('approval', ['book']);
  await open(page, handle, '');
  await page.waitForURL(/\/timeline/);
  const header = main(page).locator('header').first();
  const { runId } = await handle.describe();
  for (const text of ['Running', 'approval', handle.workflowId, runId, QUEUE]) await reads(header, text);
  await page.getByRole('button', { name: 'All about this run' }).click();
  for (const text of ['owner', 'ada', 'ticket', 'run 1h', 'State transitions'])
    await reads(header, text);
  await handle.signal('approve');
  await reads(header, 'Completed');
});

s.test('the header tells of parent and children, attempt, search attributes and links [3]', async ({ page }) => {
  const parent = await start('family', [`head-${randomUUID()}`]);
  await open(page, parent);
  const header = main(page).locator('header').first();
  await reads(header, 'Children 2');
  const child = (await parent.describe()).raw.pendingChildren![0]!.workflowId!;
  await open(page, s.client.workflow.getHandle(child));
  await reads(header, `Parent ${parent.workflowId}`);
  await header.getByRole('link', { name: parent.workflowId }).click();
  await reads(header, 'Children 2');

  const retried = await s.client.workflow.start('stubborn', {
    workflowId: `retried-${randomUUID()}`,
    taskQueue: QUEUE,
    args: [1],
    retry: { initialInterval: 100, maximumAttempts: 3 },
    typedSearchAttributes: [{ key: { name: 'Customer', type: 'KEYWORD' }, value: 'acme' }] as never,
  });
  await retried.result();
  await open(page, retried);
  await reads(header, 'Attempt 2');
  await reads(header, 'Customer acme');
  await page.getByRole('button', { name: 'All about this run' }).click();
  await reads(header, /First run/);

  const workflowId = `linked-${randomUUID()}`;
  const { firstExecutionRunId } = parent;
  const workflowEvent = { namespace: 'default', workflowId: parent.workflowId, runId: firstExecutionRunId, eventRef: { eventId: 1, eventType: 1 } };
  const { runId } = await s.client.workflowService.startWorkflowExecution({
    namespace: 'default', requestId: randomUUID(), workflowId, workflowType: { name: 'approval' }, taskQueue: { name: 'nobody' },
    links: [{ workflowEvent: workflowEvent as never }],
  });
  await page.goto(s.url(`/namespaces/default/workflows/${workflowId}/${runId}/history`));
  await page.getByRole('button', { name: 'All about this run' }).click();
  await reads(header, `Links ${parent.workflowId} workflow execution started`);
  await event(page, 'Workflow execution started').first().click();
  await event(page, 'Workflow execution started').getByRole('link', { name: parent.workflowId }).click();
  await reads(header, 'Children 2');
  await visible(page.getByRole('treegrid', { name: 'History' }).locator('[aria-expanded=true]'));
});

s.test('a run that is not there says so, and offers the others of its id', { allow: [/404/] }, async ({ page }) => {
  await page.goto(s.url(`/namespaces/default/workflows/ghost/${randomUUID()}/timeline`));
  await visible(page.getByText('There is no run of “ghost” here'));
  await page.getByRole('link', { name: 'Show all runs of this id' }).click();
  await eventually(async () => new URL(page.url()).searchParams.get('q') ?? '', (q) => q.includes('ghost'));
});

s.test('the waterfall shows steps, queue and run time, and grows while work is pending [5]', async ({ page }) => {
  const handle = await start('family', [`wf-${randomUUID()}`]);
  await open(page, handle);
  for (const name of ['order', 'approval', 'reserve', '300 ms']) await visible(step(page, name));
  const label = async () => (await step(page, 'approval').innerText()).replace(/\s+/g, ' ');
  const first = await label();
  await eventually(label, (now) => now !== first); // its bar says how long it runs
  const slow = s.client.workflow.getHandle(`${(await handle.describe()).workflowId}`);
  assert.equal((await slow.describe()).status.name, 'RUNNING');
  const child = (await handle.describe()).raw.pendingChildren?.[0]?.workflowId;
  await s.client.workflow.getHandle(child!).signal('approve', 1);
  await reads(main(page).locator('header').first(), 'Completed');
});

s.test('a child is unfolded in the waterfall, a step opens its details, Escape closes them [6]', async ({ page }) => {
  const handle = await start('family', [`un-${randomUUID()}`]);
  await open(page, handle);
  await step(page, 'order').getByRole('button').first().click();
  for (const name of ['charge', 'ship']) await visible(step(page, name));
  await step(page, 'charge').click();
  const details = page.getByRole('complementary', { name: 'Details' });
  await reads(details, '9007199254740991');
  assert.match(page.url(), /step=/);
  await page.reload();
  await visible(page.getByRole('treegrid'));
  await page.keyboard.press('Escape');
  await page.goBack().catch(() => undefined);
});

s.test('the waterfall by keyboard: rows walked, a child unfolded, its step in detail, zoom', async ({ page }) => {
  const handle = await start('family', [`keys-${randomUUID()}`]);
  await open(page, handle);
  const grid = page.getByRole('treegrid', { name: 'Timeline' });
  await visible(step(page, 'reserve'));
  await grid.focus();
  const active = async () => (await grid.locator('[data-active]').innerText().catch(() => '')).replace(/\s+/g, ' ');
  await page.keyboard.press('Home');
  await eventually(active, (text) => text.includes('order'));
  await page.keyboard.press('ArrowRight');
  await reads(step(page, 'ship'), 'Completed'); // the child has all its rows
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await eventually(active, (text) => text.includes('charge'));
  await page.keyboard.press('Enter');
  const details = page.getByRole('complementary', { name: 'Details' });
  await reads(details, '9007199254740991');
  await page.keyboard.press('ArrowDown'); // the details follow
  await reads(details, 'SK-book');
  await page.keyboard.press('Escape');
  await gone(details);
  await page.keyboard.press('End');
  await eventually(active, (text) => text.includes('reserve'));
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowLeft');
  await gone(step(page, 'charge'));
  const ticks = () => main(page).locator('[title^="Drag over the axis"]').innerText();
  const whole = await ticks();
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  await eventually(ticks, (now) => now !== whole);
  await page.keyboard.press('[');
  await page.keyboard.press(']');
  await page.keyboard.press('0');
  await page.getByText('Clock', { exact: true }).click();
  await eventually(ticks, (now) => /\d\d:\d\d/.test(now));
  await handle.terminate();
});

s.test('a drag over the axis and the wheel look closer, a double click shows all', async ({ page }) => {
  const handle = await start('order', ['book']);
  await handle.result();
  await open(page, handle);
  await visible(step(page, 'charge'));
  const axis = main(page).locator('[title^="Drag over the axis"]');
  const whole = await axis.innerText();
  const box = (await axis.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.6, box.y + 8);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.8, box.y + 8, { steps: 4 });
  await page.mouse.up();
  await eventually(() => axis.innerText(), (now) => now !== whole);
  await axis.dblclick();
  await eventually(() => axis.innerText(), (now) => now === whole);
  await step(page, 'charge').hover();
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -300);
  await page.keyboard.up('Control');
  await eventually(() => axis.innerText(), (now) => now !== whole);
  await page.mouse.wheel(200, 0);
  await axis.dblclick();
  await eventually(() => axis.innerText(), (now) => now === whole);
});

s.test('the history by keyboard: rows walked, an event opened, its fields and its JSON', async ({ page }) => {
  const handle = await start('order', ['book']);
  await handle.result();
  await open(page, handle, 'history?rows=all&order=oldest');
  const grid = page.getByRole('treegrid', { name: 'History' });
  await visible(event(page, 'Workflow execution started'));
  await grid.focus();
  const active = async () => (await grid.locator('[data-active]').innerText().catch(() => '')).replace(/\s+/g, ' ');
  await page.keyboard.press('End');
  await eventually(active, (text) => text.includes('Workflow execution completed'));
  await page.keyboard.press('Home');
  await eventually(active, (text) => text.includes('Workflow execution started'));
  await page.keyboard.press('Enter');
  const opened = grid.locator('[aria-expanded=true]');
  await reads(opened, /task queue/i);
  await opened.getByText('JSON', { exact: true }).click();
  await reads(opened, '"workflowExecutionStartedEventAttributes"');
  await page.keyboard.press('e'); // compact
  await visible(event(page, 'charge'));
  await page.keyboard.press('/');
  await page.keyboard.type('nothing of the kind');
  await page.getByRole('button', { name: 'Show everything' }).click();
  await visible(event(page, 'charge'));
});

s.test('what a reader must not miss: a workflow task that fails, a run that went on, a run that was deleted', { allow: [/404/] }, async ({ page }) => {
  const lost = await start('noSuchWorkflow');
  await open(page, lost);
  await reads(main(page), /The workflow task fails, attempt [2-9]/);
  await reads(main(page), /noSuchWorkflow/);
  await lost.terminate();
  const chain = await start('countDown', [1]);
  await chain.result();
  await page.goto(s.url(`/namespaces/default/workflows/${chain.workflowId}/${chain.firstExecutionRunId}/timeline`));
  await reads(main(page), 'Continued as a new run');
  await page.getByRole('link', { name: 'Open the new run' }).click();
  await reads(main(page).locator('header').first(), 'Completed');
  const doomed = await start('approval', []);
  await open(page, doomed);
  const { runId } = await doomed.describe();
  await s.client.workflowService.deleteWorkflowExecution({
    namespace: 'default', workflowExecution: { workflowId: doomed.workflowId, runId },
  });
  await reads(main(page), 'This run was deleted on the server');
});

s.test('long waits are drawn as gaps, and work beside them as wide as it is', async ({ page }) => {
  const handle = await start('family', [`idle-${randomUUID()}`]);
  await open(page, handle);
  const bar = step(page, 'reserve').locator('[data-kind=run]');
  await page.getByRole('checkbox', { name: 'Shorten waits' }).waitFor(); // nothing happens for a while
  const width = async () => (await bar.boundingBox())?.width ?? 0;
  const before = await width();
  const axis = page.locator('[title*="in which nothing works"]');
  assert.equal(await axis.count(), 0);
  await eventually(async () => { // the key does nothing while one of its tasks takes long
    await page.keyboard.press('w');
    await page.waitForURL(/waits=short/, { timeout: 3000 }).catch(() => undefined);
    return page.url();
  }, (url) => url.includes('waits=short'));
  await visible(axis);
  await eventually(width, (now) => now > 1.3 * before);
  await page.reload();
  await visible(axis);
  await page.getByRole('button', { name: 'Zoom in' }).click();
  await accessible(page, 'a timeline with gaps');
  await page.getByRole('checkbox', { name: 'Shorten waits' }).uncheck();
  await gone(axis);
  await handle.terminate();
});

s.test('the label of a bar stands after it, also where the bar reaches the present', async ({ page }) => {
  const handle = await start('approval', []);
  await open(page, handle);
  const parent = await start('family', [`label-${randomUUID()}`]);
  await open(page, parent);
  const row = step(page, 'approval');
  await visible(row);
  const bar = await row.locator('[data-kind=run]').boundingBox();
  const label = await row.locator('[aria-hidden=true]').last().boundingBox();
  assert(bar && label && label.x >= bar.x + bar.width - 1, 'the label lies on the bar');
  assert(label.x + label.width <= 1280, 'the label leaves the page');
  await Promise.all([handle.terminate(), parent.terminate()]);
});

s.test('an attempt that fails and is tried again is told with its failure', async ({ page }) => {
  const handle = await start('troubled', [1000]);
  await open(page, handle);
  await reads(step(page, 'flaky'), 'the carrier did not answer');
  await tab(page, /Pending/).click();
  await reads(main(page), /attempt \d+/);
  await reads(main(page), 'the carrier did not answer');
  const row = page.getByRole('button', { name: /flaky/ });
  await eventually(() => row.getAttribute('aria-expanded'), (open) => open === 'true'); // there is nothing else
  await reads(main(page), 'Stack trace');
  await row.click();
  await reads(main(page), 'CarrierDown');
  await handle.terminate('enough');
  await reads(main(page), 'Nothing is pending');
});

s.test('the history is compact or full, and filtered by text, expression, category and trouble [4]', async ({ page }) => {
  const handle = await start('order', ['book', 2]);
  await handle.result();
  await open(page, handle, 'history');
  await visible(event(page, 'reserve'));
  await page.getByText('All events', { exact: true }).click();
  await visible(event(page, /Activity task scheduled/i));
  const length = (await handle.describe()).historyLength;
  const all = page.getByRole('treegrid', { name: 'History' });
  await eventually(() => all.getAttribute('aria-rowcount'), (count) => count === String(length));
  const filter = page.getByRole('textbox', { name: 'Filter the history' });
  await filter.fill('charge');
  await eventually(async () => Number(await all.getAttribute('aria-rowcount')), (n) => n > 0 && n < length);
  await gone(event(page, 'reserve'));
  await filter.fill('/CHARGE|ship/i');
  await visible(event(page, 'ship'));
  await filter.fill('/(/');
  await reads(main(page), 'Not an expression');
  await filter.fill('');
  await page.getByText('Compact', { exact: true }).click();
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Activities' }).click();
  await page.keyboard.press('Escape');
  await gone(event(page, 'reserve'));
  await page.getByRole('button', { name: /Show \(/ }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Activities' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('checkbox', { name: 'Only trouble' }).check();
  await gone(event(page, 'reserve'));
});

s.test('a history that grows is followed without a reload [5]', async ({ page }) => {
  const handle = await start('approval', ['x']);
  await open(page, handle, 'history');
  await visible(event(page, 'Workflow execution started'));
  await handle.signal('approve', { by: 'ada' });
  await visible(event(page, /approve/));
  await reads(main(page).locator('header').first(), 'Completed');
});

s.test('a step of the history opens with its input and result', async ({ page }) => {
  const handle = await start('order', ['lamp', 3]);
  await handle.result();
  await open(page, handle, 'history');
  await event(page, 'charge').first().click();
  await reads(event(page, 'charge'), '"lamp"');
  await reads(event(page, 'charge'), '9007199254740991');
});

s.test('the downloaded history is one that a worker replays [4]', async ({ page }) => {
  const handle = await start('order', ['book']);
  await handle.result();
  await open(page, handle, 'history');
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ]);
  const history = JSON.parse(await readFile(await file.path(), 'utf8'));
  assert.equal(history.events.length, (await handle.describe()).historyLength);
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, handle.workflowId);
});

s.test('input and result are shown, with big numbers exact and text as text [3]', async ({ page }) => {
  const evil = '<img src=x onerror=alert(1)>';
  const handle = await start('facts', [evil, { deep: [1, null, true] }]);
  await handle.result();
  await open(page, handle, 'input');
  for (const text of [evil, '"deep"', 'taskQueue', 'owner']) await reads(main(page), text);
  assert.equal(await page.locator('main img').count(), 0);
  const big = await s.client.workflowService.startWorkflowExecution({
    namespace: 'default',
    requestId: randomUUID(),
    workflowId: `big-${randomUUID()}`,
    workflowType: { name: 'facts' },
    taskQueue: { name: 'nobody' },
    input: {
      payloads: [
        {
          metadata: { encoding: Buffer.from('json/plain') },
          data: Buffer.from('{"exact":9223372036854775807}'),
        },
        { metadata: { encoding: Buffer.from('binary/plain') }, data: Buffer.from([0xde, 0xad, 0xbe, 0xef]) },
      ],
    },
  });
  await page.goto(s.url(`/namespaces/default/workflows/x/${big.runId}/input`).replace('/x/', `/${await idOf(big.runId!)}/`));
  await reads(main(page), '9223372036854775807');
  await reads(main(page), '4 B');
  await reads(main(page), /de ?ad ?be ?ef/i);
});

s.test('huge payloads are cut, and shown whole on demand', async ({ page }) => {
  const handle = await start('large', [1_500_000]);
  await handle.result();
  await open(page, handle, 'history');
  await visible(event(page, 'Workflow execution completed'));
  await open(page, handle, 'input');
  const result = page.getByRole('group', { name: 'Result', exact: true });
  await reads(main(page), '1.5 MB');
  await eventually(async () => (await result.innerText()).length, (n) => n > 1000 && n < 30_000);
  await page.getByRole('button', { name: /Show all, [\d,]+ characters more/ }).click();
  await eventually(() => result.evaluate((pre) => pre.textContent!.length), (n) => n >= 1_500_000);
  const { runId } = await s.client.workflowService.startWorkflowExecution({
    namespace: 'default', requestId: randomUUID(), workflowId: 'bytes', workflowType: { name: 'facts' }, taskQueue: { name: 'nobody' },
    input: { payloads: [{ metadata: { encoding: Buffer.from('binary/plain') }, data: Buffer.alloc(1_000_000, 0xab) }] },
  });
  await page.goto(s.url(`/namespaces/default/workflows/bytes/${runId}/input`));
  const bytes = page.getByRole('group', { name: 'Input' });
  await reads(main(page), 'binary/plain · 1.0 MB');
  await reads(bytes, /^000000 ab ab ab/);
  await page.getByRole('button', { name: /Show all, [\d,]+ bytes more/ }).click();
  await eventually(() => bytes.evaluate((pre) => pre.textContent!.length), (n) => n > 4_000_000);
});

async function idOf(runId: string): Promise<string> {
  const list = s.client.workflow.list({ query: `RunId = "${runId}"` })[Symbol.asyncIterator]();
  const found = await eventually(() => list.next(), ({ value }) => Boolean(value));
  return found.value!.workflowId;
}

s.test('a failed run says why at its top and in its result', async ({ page }) => {
  const handle = await start('failing', ['no books left']);
  await handle.result().catch(() => undefined);
  await open(page, handle);
  await reads(main(page), 'no books left');
  await tab(page, /Input and result/).click();
  await reads(main(page), 'OutOfStock');
});

s.test('the call stack comes from the worker [7]', async ({ page }) => {
  const handle = await start('approval', ['y']);
  await open(page, handle, 'queries');
  await reads(main(page), 'approval');
  await reads(main(page), /workflows\.ts/);
});

s.test('a query is asked with arguments, from the names the workflow knows [8]', async ({ page }) => {
  const handle = await start('approval', ['first']);
  await open(page, handle, 'queries');
  await page.getByRole('button', { name: 'total', exact: true }).click();
  await page.getByRole('textbox', { name: 'Arguments' }).fill('19\n23');
  await page.getByRole('button', { name: 'Run query' }).click();
  await reads(main(page), /took/);
  await visible(main(page).getByText('42', { exact: true }));
  await page.getByRole('textbox', { name: 'Arguments' }).fill('not json');
  await reads(main(page), 'Line 1 is not JSON');
  await page.getByRole('textbox', { name: 'Arguments' }).fill('');
  await page.getByRole('textbox', { name: 'Name' }).fill('state');
  await reads(main(page), '--type state');
  await page.keyboard.press('Enter');
  await reads(main(page), '"waiting"');
});

s.test('the family is a tree that leads to each of its members [6]', async ({ page }) => {
  const prefix = `tree-${randomUUID()}`;
  const handle = await start('family', [prefix]);
  await open(page, handle, 'relations');
  const tree = page.getByRole('tree', { name: 'Family' });
  await visible(tree.getByRole('treeitem').filter({ hasText: `${prefix}-quick` }));
  await tree.getByRole('link', { name: `${prefix}-slow` }).click();
  await reads(page.getByRole('treeitem', { selected: true }), `${prefix}-slow`);
  await tree.getByRole('link', { name: handle.workflowId }).click();
  await eventually(async () => decodeURIComponent(page.url()), (url) => url.includes(handle.workflowId));
});

s.test('runs that continue as new are a chain', async ({ page }) => {
  const handle = await start('countDown', [2]);
  await handle.result();
  await open(page, handle, 'relations');
  await reads(main(page), 'Runs of this id');
  await visible(main(page).getByText('newest'));
  await visible(main(page).getByText('first run'));
});

s.test('the workers of its queue, and who worked on it', async ({ page }) => {
  const handle = await start('order', ['book']);
  await handle.result();
  await open(page, handle, 'workers');
  await reads(main(page), `worker@${QUEUE}`);
});

s.test('two runs are compared side by side, aligned by step', async ({ page }) => {
  const [one, two] = await Promise.all([start('order', ['book', 1]), start('order', ['lamp', 1])]);
  await Promise.all([one.result(), two.result()]);
  await open(page, one, 'compare');
  await page.getByRole('textbox', { name: /Workflow id/ }).fill(two.workflowId);
  await page.getByRole('button', { name: 'Compare' }).click();
  await reads(main(page), /\d+ differences/);
  await reads(main(page), 'input');
  await page.getByRole('checkbox', { name: 'Only differences' }).check();
  await page.getByRole('button', { name: 'Another run' }).click();
  await visible(page.getByText('Runs to compare with'));
});

s.test('the history as JSON', async ({ page }) => {
  const handle = await start('order', ['book']);
  await handle.result();
  await open(page, handle, 'json');
  await reads(main(page), 'WORKFLOW_EXECUTION_STARTED');
});

s.test('pages of a run change by number keys, and Back returns', async ({ page }) => {
  const handle = await start('approval', ['k']);
  await open(page, handle);
  await page.keyboard.press('2');
  await page.waitForURL(/\/history/);
  await page.keyboard.press('1');
  await page.waitForURL(/\/timeline/);
  await page.goBack();
  await page.waitForURL(/\/history/);
});

s.test('ids with / # % ? and spaces come through every address', async ({ page }) => {
  const odd = ['a/b', 'c#d', 'e%2Ff', 'g?h=i&j', ' k  l ', 'ü"q\'', 'm+n', '100%'];
  for (const id of odd) {
    const handle = await start('approval', [], id);
    for (const name of id === odd[0] ? TABS : ['timeline', 'json']) {
      await open(page, handle, name);
      await eventually(() => shownId(page), (shown) => shown === id);
    }
  }
  await page.goto(s.url(`/namespaces/default/workflows?q=${encodeURIComponent('WorkflowId = "c#d"')}`));
  await page.getByRole('link', { name: 'c#d', exact: true }).click();
  await page.waitForURL(/c%23d/);
  await eventually(() => shownId(page), (shown) => shown === 'c#d');
});

s.test('ids that are steps in a path are opened, acted on and loaded again', async ({ page }) => {
  for (const id of ['.', '..', '~..']) {
    const handle = await start('approval', [], id);
    await page.goto(s.url(`/namespaces/default/workflows?q=${encodeURIComponent(`WorkflowId = "${id}"`)}`));
    await page.getByRole('link', { name: id, exact: true }).first().click();
    await page.waitForURL(/\/timeline/);
    await eventually(() => shownId(page), (shown) => shown === id);
    for (const [key, name] of [['2', 'history'], ['3', 'input'], ['5', 'queries'], ['1', 'timeline']] as const) {
      await page.keyboard.press(key);
      await page.waitForURL(new RegExp(`/${name}`));
      await page.reload();
      await eventually(() => shownId(page), (shown) => shown === id);
    }
    await page.getByRole('button', { name: 'Actions' }).click();
    await page.getByRole('menuitem', { name: /^Request cancellation/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Request cancellation' }).click();
    await gone(page.getByRole('dialog'));
    await eventually(async () => (await handle.describe()).status.name, (status) => status === 'CANCELLED');
  }
});

s.test('nothing on the pages of a run is inaccessible', async ({ page }) => {
  const handle = await start('family', [`axe-${randomUUID()}`]);
  const troubled = await start('troubled', [500]);
  for (const name of TABS) {
    await open(page, handle, name);
    await gone(page.getByText('Loading…'));
    await accessible(page, name);
  }
  await open(page, troubled, 'pending');
  await visible(page.getByRole('button', { name: /flaky/ }));
  await accessible(page, 'pending, troubled');
  await troubled.terminate();
});

s.test('at 390 pixels each row of a comparison holds its marks', { mobile: true }, async ({ page }) => {
  const [one, two] = await Promise.all([start('order', ['book', 1]), start('order', ['lamp', 2])]);
  await Promise.all([one.result(), two.result()]);
  const { runId } = await two.describe();
  await open(page, one, `compare?with=${two.workflowId}&run=${runId}`);
  const lines = page.locator('main button[aria-expanded]').filter({ hasText: 'result' });
  await visible(lines);
  // The first difference is opened, and its first line is in view below the heads.
  const opened = page.locator('main button[aria-expanded=true]');
  await eventually(async () => ((await opened.boundingBox())?.y ?? 0) >= ((await page.getByText('The other').first().boundingBox())?.y ?? 1e9) + 20);
  for (const line of await lines.all()) {
    const row = await line.locator('xpath=..').boundingBox();
    for (const mark of await line.getByText(/^(input|result)$/).all()) {
      const box = await mark.boundingBox();
      assert(row && box && box.y + box.height <= row.y + row.height + 1, 'a mark leaves its row');
    }
    const next = await line.locator('xpath=../following-sibling::*[1]').boundingBox().catch(() => null);
    assert(!next || !row || next.y >= row.y + row.height - 1, 'a row lies on another');
  }
});

s.test('at 390 pixels nothing of a run scrolls sideways', { mobile: true }, async ({ page }) => {
  const handle = await start('family', [`mobile-${randomUUID()}`]);
  for (const name of TABS) {
    await open(page, handle, name);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= 390, `${name} is ${wide} pixels wide`);
  }
});
