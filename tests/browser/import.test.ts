/* History files: what the UI downloads, what other tools write, and what is no history. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import type { Locator, Page } from 'playwright-core';
import { accessible, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { eventually, QUEUE, workflowBundle } from './lib/worker.ts';

const s = stage({ worker: true });
const main = (page: Page) => page.locator('main');
const tab = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Pages of this run' }).getByRole('button', { name, exact: true });
const step = (page: Page, name: string | RegExp) =>
  page.getByRole('treegrid', { name: 'Timeline' }).getByRole('row').filter({ hasText: name });

async function finished(type: string, args: unknown[]): Promise<WorkflowHandle> {
  const handle = await s.client.workflow.start(type, { workflowId: `${type}-${randomUUID()}`, taskQueue: QUEUE, args });
  await handle.result().catch(() => undefined);
  return handle;
}

async function choose(page: Page, name: string, content: string | Buffer): Promise<void> {
  const input = page.locator('input[type=file]');
  await input.setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(content) });
}

async function open(page: Page, name: string, content: string): Promise<void> {
  await page.goto(s.url('/import'));
  await visible(page.getByRole('heading', { name: 'Open a history file' }));
  await choose(page, name, content);
}

async function download(page: Page, button: Locator = page.getByRole('button', { name: 'Download' })) {
  const [file] = await Promise.all([page.waitForEvent('download'), button.click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

async function replays(text: string, workflowId: string): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, JSON.parse(text), workflowId);
}

/** What `temporal workflow show --output json` prints: the SDK writes the same form. */
async function cliForm(handle: WorkflowHandle): Promise<string> {
  return historyToJSON(await handle.fetchHistory());
}

s.test('what the UI downloaded it opens again, and what it then downloads replays', async ({ page }) => {
  const order = await finished('order', ['book', 2]);
  const { runId } = await order.describe();
  await page.goto(s.url(`/namespaces/default/workflows/${order.workflowId}/${runId}/history`));
  const first = await download(page);
  assert.equal(first.name, `${order.workflowId}_${runId}.json`);
  await replays(first.text, order.workflowId);

  await open(page, first.name, first.text);
  await visible(page.getByRole('heading', { level: 1, name: 'order' }));
  await reads(main(page), `${first.name} · ${JSON.parse(first.text).events.length} events · from a file`);
  for (const name of ['reserve', 'charge', 'ship']) await visible(step(page, name));
  await tab(page, 'JSON').click();
  await reads(main(page), 'WORKFLOW_EXECUTION_STARTED');
  const second = await download(page);
  assert.equal(second.name, first.name);
  assert.deepEqual(JSON.parse(second.text), JSON.parse(first.text));
  await replays(second.text, order.workflowId);
});

s.test('what `temporal workflow show --output json` wrote is shown: steps, events, input and result, JSON', async ({ page }) => {
  const order = await finished('order', ['lamp', 3]);
  await open(page, 'show.json', await cliForm(order));
  await step(page, 'charge').click();
  const details = page.getByRole('complementary', { name: 'Details' });
  await reads(details, '9007199254740991');
  await details.getByRole('button', { name: /^\d+$/ }).first().click(); // an event of the step, in the history
  await visible(page.getByRole('treegrid', { name: 'History' }));
  await reads(main(page), /Activity task scheduled/i);
  await page.getByRole('textbox', { name: 'Filter the history' }).fill('SK-lamp');
  await visible(page.getByRole('row').filter({ hasText: 'SK-lamp' }));
  await tab(page, 'Input and result').click();
  for (const text of ['"lamp"', '"tracking": "SK-lamp"', 'cents']) await reads(main(page), text);
  await accessible(page, 'an imported run');
});

s.test('a failed run from a file says why', async ({ page }) => {
  const failing = await finished('failing', ['no books left']);
  await open(page, 'failed.json', await cliForm(failing));
  await reads(main(page), 'no books left');
  await tab(page, 'Input and result').click();
  await reads(main(page), 'OutOfStock');
});

s.test('payloads in shorthand are read with all their digits, and written so that they replay', async ({ page }) => {
  const order = await finished('order', ['book', 1]);
  const history = JSON.parse(await cliForm(order)) as { events: Record<string, Record<string, unknown>>[] };
  const started = history.events[0]!['workflowExecutionStartedEventAttributes']!;
  started['input'] = ['book', 1];
  const text = JSON.stringify(history).replace('["book",1]', '["book",9223372036854775807]');
  await open(page, 'shorthand.json', text);
  await tab(page, 'Input and result').click();
  await reads(main(page), '9223372036854775807');
  await tab(page, 'JSON').click();
  const again = JSON.parse((await download(page)).text);
  const [, count] = again.events[0].workflowExecutionStartedEventAttributes.input.payloads;
  assert.equal(Buffer.from(count.data, 'base64').toString(), '9223372036854775807');
});

const wrong: [string, string | Buffer, RegExp][] = [
  ['page.html', '<!doctype html><title>Not it</title>', /is not a history: Unexpected token '<'/],
  ['cut.json', '{"events":[{"eventId":"1","eventTime":', /is not a history: Unexpected end of JSON/],
  ['package.json', '{"name":"shop","version":"1.0.0"}', /is not a history: it holds no events/],
  ['hole.json', '{"events":[{"eventId":"1"},{"eventId":"3"}]}', /is not a history: event 2 is missing, after it comes 3/],
  ['ids.json', '{"events":[{"eventId":"one"}]}', /events\[0\]\.eventId: one is not an event id/],
  ['times.json', '{"events":[{"eventId":"1","eventTime":5}]}', /events\[0\]\.eventTime: 5 is not a time/],
  ['list.json', '[1, 2, 3]', /events\[0\]: is not an object/],
  ['empty.json', '', /is not a history: it is empty/],
  ['history.json.gz', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /it is not text; unpack it first/],
];

s.test('what is no history is refused with the reason, and what was open stays', async ({ page }) => {
  await page.goto(s.url('/import'));
  for (const [name, content, message] of wrong) {
    await choose(page, name, content);
    const alert = page.getByRole('alert').filter({ hasText: `“${name}”` });
    await reads(alert, message);
  }
  await accessible(page, 'a refused file');
  const order = await finished('order', ['book']);
  await choose(page, 'good.json', await cliForm(order));
  await visible(step(page, 'charge'));
  assert.equal(await page.getByRole('alert').count(), 0);
  await choose(page, 'cut.json', '{"events":[');
  await reads(page.getByRole('alert'), /“cut.json” is not a history/);
  await visible(step(page, 'charge'));
});

s.test('a file that is larger than what is read says both sizes', async ({ page }) => {
  await page.goto(s.url('/import'));
  await visible(page.getByRole('button', { name: 'Choose a file' }));
  // Half a gigabyte that costs nothing: one block many times.
  await page.evaluate(() => {
    const block = new Uint8Array(1 << 20).fill(32);
    const file = new File(Array.from({ length: 300 }, () => block), 'dump.json');
    const data = new DataTransfer();
    data.items.add(file);
    const input = document.querySelector<HTMLInputElement>('input[type=file]')!;
    input.files = data.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await reads(page.getByRole('alert'), /“dump.json” is not a history: it has 315 MB, at most 268 MB are read/);
});

s.test('a field of the wrong kind does not take the page with it', { allow: [/console|uncaught/] }, async ({ page }) => {
  const events = [
    { eventId: '1', eventTime: '2026-11-23T08:00:00Z', eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
      workflowExecutionStartedEventAttributes: { input: { payloads: [5, { metadata: 7, data: {} }] }, workflowType: 'x' } },
    { eventId: '2', eventTime: '2026-11-23T08:00:01Z', eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED',
      workflowExecutionFailedEventAttributes: { failure: { stackTrace: 5 } } },
  ];
  await open(page, 'odd.json', JSON.stringify({ events }));
  await reads(page.getByRole('alert'), 'a field holds something else');
  await visible(page.getByRole('button', { name: 'Open another file' }));
});

s.test('fifty thousand events from a file are dropped on the page, drawn and searched', async ({ page }) => {
  const at = (ms: number) => new Date(Date.UTC(2026, 10, 23) + ms).toISOString();
  const events: unknown[] = [
    { eventId: '1', eventTime: at(0), eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
      workflowExecutionStartedEventAttributes: { workflowType: { name: 'Long' } } },
  ];
  for (let id = 2; id <= 50_000; id++)
    events.push({
      eventId: String(id), eventTime: at(id * 10), eventType: 'EVENT_TYPE_MARKER_RECORDED',
      markerRecordedEventAttributes: { markerName: `mark-${id}` },
    });
  const text = JSON.stringify({ events });
  await page.goto(s.url('/import'));
  const target = page.locator('main > *').first();
  const data = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], 'long.json'));
    return transfer;
  }, text);
  await target.dispatchEvent('drop', { dataTransfer: data });
  await reads(main(page), 'long.json · 50,000 events');
  await tab(page, 'History').click();
  const grid = page.getByRole('treegrid', { name: 'History' });
  await eventually(() => grid.getAttribute('aria-rowcount'), (count) => Number(count) === 50_000);
  await page.getByRole('textbox', { name: 'Filter the history' }).fill('mark-49998');
  await eventually(() => grid.getAttribute('aria-rowcount'), (count) => Number(count) === 1);
});
