/*
 * A remote codec: workers and clients encrypt with the SDK's own payload codec, a codec server beside them
 * decodes and encodes for the browser, and everything that the UI shows is readable, or says why not.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import type { Page } from 'playwright-core';
import { accessible, gone, reads, visible } from './lib/check.ts';
import { CodecServer } from './lib/codec.ts';
import { stage, type VisitOptions } from './lib/stage.ts';
import { connectClient, eventually, QUEUE, workflowBundle } from './lib/worker.ts';

const codec = await CodecServer.start();
const failureConverterPath = fileURLToPath(new URL('./failures.ts', import.meta.url));
const dataConverter = { payloadCodecs: [codec.codec], failureConverterPath };
const s = stage({
  server: { args: ['--ui-codec-endpoint', codec.endpoint] },
  client: { dataConverter },
  worker: async () => ({ dataConverter, workflowBundle: await workflowBundle(failureConverterPath) }),
});
after(() => codec.stop());
beforeEach(() => {
  codec.allowOrigin = s.server.origin;
  codec.wanted = '';
  codec.broken = 0;
  codec.asked.length = 0;
});

const calls = new RegExp(`request to another origin: ${codec.endpoint}/(of/default/)?(de|en)code`);
const refused = /Failed to load resource|blocked by CORS policy/;
const visit: VisitOptions = { allow: [calls] };
const trouble: VisitOptions = { allow: [calls, refused] };

const main = (page: Page) => page.locator('main');
const step = (page: Page, name: string) =>
  page.getByRole('treegrid', { name: 'Timeline' }).getByRole('row').filter({ hasText: name });
const event = (page: Page, name: RegExp | string) =>
  page.getByRole('treegrid', { name: 'History' }).getByRole('row').filter({ hasText: name });

async function start(type: string, args: unknown[] = [], extra = {}): Promise<WorkflowHandle> {
  return await s.client.workflow.start(type, { workflowId: `${type}-${randomUUID()}`, taskQueue: QUEUE, args, ...extra });
}

async function open(page: Page, handle: WorkflowHandle, tab: string): Promise<void> {
  const { runId } = await handle.describe();
  await page.goto(s.url(`/namespaces/default/workflows/${handle.workflowId}/${runId}/${tab}`));
  await visible(page.getByRole('heading', { level: 1 }));
}

/** What the server itself has of a run, as bytes. */
async function stored(handle: WorkflowHandle): Promise<string> {
  const bare = await connectClient(s.server.address);
  const history = await bare.workflow.getHandle(handle.workflowId).fetchHistory();
  await bare.connection.close();
  return JSON.stringify(history, (_key, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : (value as unknown)
  );
}

s.test('input, result, steps, memo and summary are decoded where they are shown', visit, async ({ page }) => {
  const handle = await start('order', ['grimoire', 2], { memo: { owner: 'ada' }, staticSummary: 'a rare book' });
  await handle.result();
  assert(!(await stored(handle)).includes('grimoire'));
  await open(page, handle, 'input');
  for (const text of ['"grimoire"', '9007199254740991', '"SK-grimoire"', 'owner', '"ada"', '"a rare book"', 'decoded'])
    await reads(main(page), text);
  assert.deepEqual([...new Set(codec.asked.map((a) => `${a.verb} ${a.namespace} ${a.authorization}${a.cookie}`))], ['decode default ']);
  await page.getByRole('button', { name: 'All about this run' }).click();
  await reads(main(page).locator('header').first(), 'owner ada');
  await open(page, handle, 'history');
  await reads(event(page, 'charge'), '"grimoire"'); // the line tells the result
  await event(page, 'ship').first().click();
  await reads(event(page, 'ship'), '"SK-grimoire"');
  await page.getByRole('textbox', { name: 'Filter the history' }).fill('SK-grimoire');
  await gone(event(page, 'reserve'));
  await visible(event(page, 'ship'));
  await open(page, handle, 'timeline');
  await reads(main(page), '"grimoire"');
  await step(page, 'charge').click();
  await reads(page.getByRole('complementary', { name: 'Details' }), '9007199254740991');
  await open(page, handle, 'json');
  await page.locator('.cm-content').getByText('"SK-grimoire"').first().waitFor().catch(async () => {
    await page.locator('.cm-scroller').evaluate((box) => (box.scrollTop = box.scrollHeight));
    await page.locator('.cm-content').getByText('"SK-grimoire"').first().waitFor();
  });
});

s.test('failures are decoded, on one line and whole', visit, async ({ page }) => {
  const handle = await start('failing', ['the vault is empty']);
  await handle.result().catch(() => undefined);
  assert(!(await stored(handle)).includes('the vault is empty'));
  await open(page, handle, 'timeline');
  await reads(main(page).getByText('OutOfStock: the vault is empty'), 'the vault');
  await page.getByText('Stack trace').first().waitFor();
  await reads(main(page), 'workflows.ts');
  await reads(main(page), '"book"'); // the failure's details
  await open(page, handle, 'history');
  await reads(event(page, /failed/i), 'the vault is empty');
});

s.test('the last failure of what is pending is decoded', visit, async ({ page }) => {
  const handle = await start('troubled', [1000]);
  await open(page, handle, 'pending');
  await reads(main(page), 'the carrier did not answer (attempt');
  await page.getByRole('button', { name: /flaky/ }).click();
  await reads(main(page), 'CarrierDown: the carrier did not answer');
  await open(page, handle, 'timeline');
  await reads(step(page, 'flaky'), 'the carrier did not answer');
  await handle.terminate();
});

s.test('queries and the call stack: arguments encoded, answers decoded', visit, async ({ page }) => {
  const handle = await start('approval', ['q']);
  await open(page, handle, 'queries');
  await reads(main(page), /workflows\.ts/);
  await page.getByRole('button', { name: 'total', exact: true }).click();
  await page.getByRole('textbox', { name: 'Arguments' }).fill('19\n23');
  await page.getByRole('button', { name: 'Run query' }).click();
  await visible(main(page).getByText('42', { exact: true }));
  assert(codec.asked.some(({ verb, payloads }) => verb === 'encode' && payloads === 2));
});

s.test('what the UI starts and signals is encoded, and filled again from a run', visit, async ({ page }) => {
  const handle = await start('approval', ['first words']);
  await open(page, handle, 'input');
  await reads(main(page), '"first words"');
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: 'Signal', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: /Signal name|Name/ }).fill('approve');
  await dialog.getByRole('button', { name: 'Add an argument' }).click();
  await dialog.locator('.cm-content, textarea').last().fill('{"by":"the archivist"}');
  await dialog.getByRole('button', { name: 'Send signal' }).click();
  assert.deepEqual(await handle.result(), [{ by: 'the archivist' }]);
  assert(!(await stored(handle)).includes('archivist'));

  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: /Start like/ }).click();
  await reads(dialog, '"first words"');
  const workflowId = `again-${randomUUID()}`;
  await dialog.getByRole('textbox', { name: 'Workflow id' }).fill(workflowId);
  await dialog.getByRole('button', { name: 'Start', exact: true }).click();
  const again = s.client.workflow.getHandle(workflowId);
  const got = await eventually(() => again.query<{ first: unknown[] }>('state').catch(() => undefined), Boolean);
  assert.deepEqual(got!.first, ['first words']);
  assert(!(await stored(again)).includes('first words'));
  await again.terminate();
});

s.test('equal steps are equal, though each was encrypted with a nonce of its own', visit, async ({ page }) => {
  const [one, two] = await Promise.all([start('order', ['tome', 1]), start('order', ['tome', 1])]);
  await Promise.all([one.result(), two.result()]);
  const { runId } = await two.describe();
  await open(page, one, `compare?with=${two.workflowId}&run=${runId}`);
  await reads(main(page), /no differences|same|alike/i);
});

s.test('a file of encrypted payloads is decoded, too', visit, async ({ page }) => {
  const handle = await start('order', ['scroll', 1]);
  await handle.result();
  await open(page, handle, 'json');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
  await page.goto(s.url('/import'));
  await page.locator('input[type=file]').setInputFiles(await file.path());
  await reads(main(page), '"scroll"');
});

s.test('a codec that fails says so once, and is asked again on demand', trouble, async ({ page }) => {
  const handle = await start('order', ['codex', 1]);
  await handle.result();
  codec.broken = 500;
  await open(page, handle, 'input');
  const notice = page.getByRole('alert').filter({ hasText: codec.endpoint });
  await reads(notice, '500 Internal Server Error: the key store is away');
  assert.equal(await notice.count(), 1);
  await reads(main(page), 'binary/encrypted');
  assert(!(await main(page).innerText()).includes('The codec endpoint')); // said once
  const asked = codec.asked.length;
  assert(asked <= 10, `${asked} requests to a codec that fails`);
  await accessible(page, 'a codec that fails');
  codec.broken = 0;
  await notice.getByRole('button', { name: 'Try again' }).click();
  await reads(main(page), '"codex"');
  await gone(notice);
});

s.test('one payload that cannot be decoded does not keep the others from it', trouble, async ({ page }) => {
  const bare = await connectClient(s.server.address);
  const metadata = { encoding: Buffer.from('binary/encrypted') };
  const { payloads } = { payloads: await codec.codec.encode([{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"readable"') }]) };
  const workflowId = `mixed-${randomUUID()}`;
  const { runId } = await bare.workflowService.startWorkflowExecution({
    namespace: 'default', requestId: randomUUID(), workflowId, workflowType: { name: 'facts' }, taskQueue: { name: 'nobody' },
    input: { payloads: [...payloads, { metadata, data: Buffer.alloc(64, 7) }] },
  });
  await bare.connection.close();
  await page.goto(s.url(`/namespaces/default/workflows/${workflowId}/${runId}/input`));
  await reads(main(page), '"readable"');
  await reads(main(page), 'The codec endpoint cannot read it: 400 Bad Request');
  assert.equal(await page.getByRole('alert').count(), 0);
  await accessible(page, 'a payload that is not decoded');
});

s.test('what it wants as authorization is set once for the tab, and sent', trouble, async ({ page }) => {
  const handle = await start('order', ['psalter', 1]);
  await handle.result();
  codec.wanted = 'Bearer 42';
  await open(page, handle, 'input');
  await reads(page.getByRole('alert'), /401 Unauthorized.*under your name/);
  await page.getByRole('button', { name: 'Name and appearance' }).click();
  await page.getByLabel('Codec authorization').fill('Bearer 42');
  await accessible(page, 'the codec settings');
  await page.keyboard.press('Escape');
  await reads(main(page), '"psalter"');
  const kept = await page.evaluate(() => JSON.stringify(localStorage));
  assert(!kept.includes('Bearer 42'));
  await page.reload();
  await reads(main(page), '"psalter"');
});

s.test('a codec that does not allow this origin is told as such', trouble, async ({ page }) => {
  const handle = await start('order', ['folio', 1]);
  await handle.result();
  codec.allowOrigin = undefined;
  await open(page, handle, 'input');
  await reads(page.getByRole('alert'), 'does not allow this origin (CORS)');
});

s.test('pages may call the codec that the server names, and no other', visit, async ({ page }) => {
  const response = await page.goto(s.url('/'));
  const policy = (await response!.allHeaders())['content-security-policy'] ?? '';
  assert.match(policy, new RegExp(`connect-src 'self' ${codec.endpoint};`));
  await page.getByRole('button', { name: 'Name and appearance' }).click();
  const field = page.getByRole('textbox', { name: 'Codec endpoint' });
  assert.equal(await field.getAttribute('placeholder'), codec.endpoint);
  await field.fill('https://codec.example/v1');
  await visible(page.getByText(`The server lets pages call ${codec.endpoint} only.`));
  await field.fill(`${codec.endpoint}/of/{namespace}`);
  await gone(page.getByText('The server lets pages call'));
  await page.keyboard.press('Escape');
  const handle = await start('order', ['leaf', 1]);
  await handle.result();
  await open(page, handle, 'input');
  await reads(main(page), '"leaf"');
});

s.test('what cannot be encoded is not sent', trouble, async ({ page }) => {
  const handle = await start('approval', ['x']);
  codec.broken = 503;
  await open(page, handle, 'timeline');
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: 'Signal', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: /Signal name|Name/ }).fill('approve');
  await dialog.getByRole('button', { name: 'Add an argument' }).click();
  await dialog.locator('.cm-content, textarea').last().fill('1');
  await dialog.getByRole('button', { name: 'Send signal' }).click();
  await reads(dialog.getByRole('alert'), /Nothing was sent.*503.*the key store is away/);
  const history = await handle.fetchHistory();
  assert(!history.events!.some((one) => one.workflowExecutionSignaledEventAttributes));
  await handle.terminate();
});
