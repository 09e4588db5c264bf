/*
 * What docs/ui-design.md promises of every screen, measured: letters of 12 pixels and more, 13 where data stands,
 * rows of 28 to 30 pixels, a visible focus at every stop of Tab, nothing serious in what axe finds, nothing that
 * scrolls sideways on a phone.
 */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { accessible, focus, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { eventually, QUEUE } from './lib/worker.ts';

const LETTERS_MIN = 12;
const ROW_MIN = 27.5; // borders fall on fractions of a pixel
const ROW_MAX = 30.5;
const STOPS_MAX = 60; // a screen's frame, its tools and its first rows

const ids = new Map<string, string>();
const s = stage({
  worker: true,
  demo: 10,
  server: { args: ['--namespace', 'fresh', '--search-attribute', 'Customer=Keyword'] },
  fill: async ({ client }) => {
    await client.workflow.start('Nightly', { workflowId: 'nobody', taskQueue: 'nightly' });
    for (const [type, ...args] of [['order', 'book'], ['troubled', 100_000]] as const) {
      const handle = await client.workflow.start(type, { workflowId: type, taskQueue: QUEUE, args });
      ids.set(type, (await handle.describe()).runId);
    }
    await client.workflow.getHandle('order').result();
  },
});

/** Every screen, and what says that it is there. */
const screens = (): [path: string, shown: RegExp][] => {
  const inDefault = '/namespaces/default/';
  const run = (type: string, tab: string) => `${inDefault}workflows/${type}/${ids.get(type)}/${tab}`;
  return [
    [`${inDefault}home`, /NotReachable/],
    [`${inDefault}workflows`, /troubled/],
    [`${inDefault}workflows?q=NoSuchColumn%20%3D%201`, /NoSuchColumn at/],
    [run('order', 'timeline'), /reserve/],
    [run('order', 'history'), /reserve/],
    [run('order', 'input'), /book/],
    [run('troubled', 'pending'), /flaky/],
    [run('troubled', 'queries'), /Query/],
    [run('order', 'relations'), /Family/],
    [run('order', 'workers'), /Who worked/],
    [run('order', 'compare'), /./],
    [run('order', 'json'), /events/],
    [`${inDefault}task-queues`, /nightly/],
    [`${inDefault}task-queues/nightly`, /Why nothing runs/],
    [`${inDefault}task-queues/${QUEUE}`, /worker@/],
    [`${inDefault}workers`, /worker@/],
    [`${inDefault}settings`, /Customer/],
    ['/namespaces', /fresh/],
    ['/namespaces/fresh/home', /Nothing runs here yet/],
    ['/namespaces/fresh/workflows', /Nothing runs here yet/],
    ['/namespaces/fresh/task-queues', /No task queue/],
    ['/namespaces/fresh/workers', /No worker yet/],
    ['/api', /CountWorkflowExecutions/],
    ['/import', /Choose a file/],
    ['/no/such/page', /There is no page/],
  ];
};

async function show(page: Page, path: string, shown: RegExp): Promise<void> {
  await page.goto(s.url(path));
  await reads(page.locator('main'), shown);
}

/** Texts below the least size, and rows of tables that are not a row high. */
const measure = (page: Page) =>
  page.evaluate(() => {
    const letters = new Map<string, number>();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent?.trim();
      const element = node.parentElement;
      if (!text || !element || !element.checkVisibility() || element.closest('.sk-hidden, script, style')) continue;
      letters.set(text.slice(0, 40), parseFloat(getComputedStyle(element).fontSize));
    }
    const rows: Record<string, number> = {};
    for (const row of document.querySelectorAll('tbody tr, [role=row]')) {
      const { height } = row.getBoundingClientRect();
      const opened = row.querySelector('td[colspan], dl');
      if (height > 0 && !opened) rows[(row.textContent ?? '').trim().slice(0, 40)] = height;
    }
    return { letters: [...letters], rows };
  });

s.test('letters and rows have the sizes of the design, on every screen', { allow: [/400/], timeout: 180_000 }, async ({ page }) => {
  for (const [path, shown] of screens()) {
    await show(page, path, shown);
    const { letters, rows } = await measure(page);
    assert(letters.length > 3, `${path} has ${letters.length} texts`);
    assert.deepEqual(letters.filter(([, size]) => size < LETTERS_MIN), [], `${path}: letters`);
    const odd = Object.entries(rows).filter(([, height]) => height < ROW_MIN || height > ROW_MAX);
    assert.deepEqual(odd, [], `${path}: rows`);
  }
});

s.test('the focus is visible at every stop of Tab, on every screen', { allow: [/400/], timeout: 180_000 }, async ({ page }) => {
  for (const [path, shown] of screens()) {
    await show(page, path, shown);
    for (let i = 0; i < STOPS_MAX; i++) {
      await page.keyboard.press('Tab');
      const at = await focus(page);
      if (at.tag === 'body') break; // once around
      assert(at.shown, `${path}: the focus is not visible on ${at.tag} "${at.name}"`);
    }
  }
});

s.test('nothing is inaccessible, on every screen and in both themes', { allow: [/400/], timeout: 240_000 }, async ({ page }) => {
  for (const [path, shown] of screens()) {
    await show(page, path, shown);
    await accessible(page, path);
  }
});

type Opener = (page: Page) => Promise<unknown>;

/** Every dialog and menu: where it is opened, how, and what it is on the page. */
const dialogs = (): [path: string, name: string, open: Opener, within?: string][] => {
  const list = '/namespaces/default/workflows';
  const run = (type: string, tab: string) => `${list}/${type}/${ids.get(type)}/${tab}`;
  const press = (name: string | RegExp): Opener => (page) => page.getByRole('button', { name, exact: true }).first().click();
  const choose = (button: string, item: string | RegExp): Opener => async (page) => {
    await press(button)(page);
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  const start: Opener = async (page) => {
    await press('Start workflow')(page);
    await page.keyboard.press('Escape'); // the list of types
    for (const part of await page.getByRole('dialog').locator('summary').all()) await part.click();
  };
  const many: Opener = async (page) => {
    await page.getByRole('checkbox', { name: 'Select troubled' }).check();
    await page.getByRole('toolbar').getByRole('button', { name: 'Terminate' }).click();
    await page.getByText('workflow matches now').waitFor();
  };
  const menu = '[role=menu]';
  const actions = (item: string) => [run('troubled', 'timeline'), item, choose('Actions', item)] as [string, string, Opener];
  return [
    [list, 'start', start],
    [list, 'terminate several', many],
    [list, 'views', press('All workflows'), menu],
    [list, 'save a view', choose('All workflows', 'Save this view…')],
    [list, 'export', press('Export'), menu],
    [list, 'namespaces', press(/^Namespace|^default/), '.mantine-Combobox-dropdown'],
    [list, 'account', press('Name and appearance')],
    [run('troubled', 'timeline'), 'actions', press('Actions'), menu],
    ...['Signal', 'Request cancellation', 'Terminate', 'Start like this one', 'Signal with start', 'Delete'].map(actions),
    [run('troubled', 'pending'), 'pause', press('Pause')],
    [run('troubled', 'pending'), 'reset', press('Reset')],
    ['/namespaces', 'create a namespace', press('Create namespace')],
    ['/namespaces/default/settings', 'edit a namespace', press('Edit')],
    ['/namespaces/default/settings', 'delete a namespace', press('Delete')],
    ['/namespaces/default/settings', 'add a search attribute', press('Add search attribute')],
    ['/namespaces/default/settings', 'remove a search attribute', press(/^Remove/)],
  ];
};

s.test('nothing is inaccessible in any dialog, in both themes', { timeout: 180_000 }, async ({ page }) => {
  for (const [path, name, open, within = '[role=dialog]'] of dialogs()) {
    await page.goto(s.url(path));
    await open(page);
    await visible(page.locator(within));
    await accessible(page, name, within);
  }
});

s.test('at 390 pixels nothing scrolls sideways, on every screen', { mobile: true, allow: [/400/], timeout: 120_000 }, async ({ page }) => {
  for (const [path, shown] of screens()) {
    await show(page, path, shown);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= 390, `${path} is ${wide} pixels wide`);
  }
});

s.test('at 390 pixels the chosen status is in view', { mobile: true }, async ({ page }) => {
  await page.goto(s.url(`/namespaces/default/workflows?q=${encodeURIComponent('ExecutionStatus = "Failed"')}`));
  const chip = page.getByRole('group').getByRole('button', { name: /^Failed \d/ });
  await visible(chip);
  const right = async () => ((await chip.boundingBox())?.x ?? 0) + ((await chip.boundingBox())?.width ?? 1000);
  await eventually(right, (x) => x <= 390);
});

s.test('home does not say that all is well while the server is away', { allow: [/ERR_FAILED|Failed to load/] }, async ({ page }) => {
  await page.addInitScript(() => void delete (globalThis as { SharedWorker?: unknown }).SharedWorker);
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.goto(s.url('/namespaces/default/home'));
  await reads(page.locator('main'), 'The server does not answer');
  await reads(page.locator('main'), /Health Away/);
  await reads(page.locator('main dl').first(), /Running – Failed – Waiting – Workers –/);
  assert.equal(await page.getByText('No queue waits for anybody.').count(), 0);
});

s.test('a dialog that cannot be sent says what it lacks', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/workflows'));
  await page.getByRole('button', { name: 'Start workflow' }).click();
  const dialog = page.getByRole('dialog');
  await reads(dialog, 'Still needed: Workflow type, Task queue.');
  await dialog.getByRole('combobox', { name: 'Workflow type' }).fill('facts');
  await dialog.getByRole('combobox', { name: 'Task queue' }).fill(QUEUE);
  await dialog.locator('summary', { hasText: 'Time' }).click();
  await dialog.getByRole('textbox', { name: 'Run timeout' }).fill('soon');
  await reads(dialog, 'Something above is not valid');
});

s.test('an argument goes as bytes of another encoding', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/workflows'));
  await page.getByRole('button', { name: 'Start workflow' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'Workflow type' }).fill('facts');
  await dialog.getByRole('combobox', { name: 'Task queue' }).fill(QUEUE);
  await dialog.getByRole('textbox', { name: 'Workflow ID' }).fill('bytes');
  await dialog.getByRole('button', { name: 'Add an argument' }).click();
  await dialog.getByRole('textbox', { name: 'Input, Argument 1' }).click();
  await page.keyboard.insertText('aGVsbG8=');
  await dialog.locator('summary', { hasText: 'Encoding of the input' }).click();
  await dialog.getByLabel('The arguments are bytes').check();
  const part = dialog.getByRole('group', { name: 'Metadata of each argument' });
  await part.getByRole('button', { name: 'Add' }).click();
  await part.getByRole('combobox').fill('encoding');
  await part.getByRole('textbox', { name: /Value/ }).fill('binary/plain');
  await reads(dialog, '--input-base64');
  await dialog.getByRole('button', { name: 'Start', exact: true }).click();
  const handle = s.client.workflow.getHandle('bytes');
  const history = await eventually(() => handle.fetchHistory().catch(() => undefined));
  const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  assert.equal(Buffer.from(payload?.data ?? []).toString(), 'hello');
  assert.equal(Buffer.from(payload?.metadata?.['encoding'] ?? []).toString(), 'binary/plain');
});

s.test('a worker says its slots, its last heartbeat and its last error', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/workers'));
  await page.getByRole('button', { name: `Details: worker@${QUEUE}` }).click();
  const main = page.locator('main');
  await reads(main, /Activity slots \d+ of \d+ in use/);
  await reads(main, /Last heartbeat \d|Last heartbeat just now/);
  await reads(main, /CarrierDown the carrier did not answer/);
});

s.test('what fails says how often, since when and when last', async ({ page }) => {
  await page.goto(s.url('/namespaces/default/home'));
  const inbox = page.getByRole('table', { name: 'What fails' });
  await visible(inbox);
  const heads = await inbox.getByRole('columnheader').allInnerTexts();
  assert.deepEqual(heads, ['Times', 'What', 'Error', 'Retried', 'Since', 'Last']);
  await reads(inbox.getByRole('row').filter({ hasText: 'flaky' }), /^\d[\d,]* flaky in troubled CarrierDown .* (ago|now) (.* ago|just now)$/);
});
