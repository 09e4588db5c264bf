/* What the UI changes, and what an SDK's client then sees. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Locator, Page } from 'playwright-core';
import { accessible, focus, gone, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { eventually, QUEUE } from './lib/worker.ts';

const s = stage({ worker: true, server: { args: ['--search-attribute', 'Customer=Keyword'] } });
const { EventType, PendingActivityState } = proto.temporal.api.enums.v1;
const list = '/namespaces/default/workflows';

const dialog = (page: Page) => page.getByRole('dialog');
const rows = (page: Page) => page.locator('[role=row]:has(a[data-row])');
const status = async (handle: WorkflowHandle) => (await handle.describe()).status.name;

async function start(type: string, args: unknown[] = [], workflowId = `${type}-${randomUUID()}`) {
  return await s.client.workflow.start(type, { workflowId, taskQueue: QUEUE, args });
}

async function open(page: Page, handle: WorkflowHandle, tab = 'timeline') {
  const { runId } = await handle.describe();
  const id = handle.workflowId.replace(/^\.{1,2}$/, '~$&'); // no step in a path
  await page.goto(s.url(`${list}/${encodeURIComponent(id)}/${runId}/${tab}`));
  await visible(page.getByRole('button', { name: 'Actions' }));
}

async function choose(page: Page, action: string) {
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: action, exact: true }).click();
  await visible(dialog(page));
}

async function iAm(page: Page, name: string) {
  const field = page.getByRole('textbox', { name: 'Your name' });
  if (await field.isVisible()) await field.fill(name);
}

async function fillJson(field: Locator, text: string) {
  await field.click();
  await field.page().keyboard.insertText(text);
}

async function eventOf(handle: WorkflowHandle, type: number) {
  const found = async () =>
    (await handle.fetchHistory()).events?.find((event) => event.eventType === type);
  return (await eventually(found))!;
}

const text = (payload: { data?: Uint8Array | null } | null | undefined) =>
  Buffer.from(payload?.data ?? []).toString();

s.test('signal, with a name and two arguments [10]', async ({ page }) => {
  const handle = await start('approval');
  await open(page, handle);
  await choose(page, 'Signal');
  await page.getByRole('textbox', { name: 'Signal name' }).fill('approve');
  await page.getByRole('button', { name: 'Add an argument' }).click();
  await fillJson(page.getByRole('textbox', { name: 'Input, Argument 1' }), '{"by": 9007199254740993}');
  await iAm(page, 'ada@example.com');
  await reads(dialog(page), 'temporal workflow signal');
  await reads(dialog(page), '--name approve');
  await page.getByRole('button', { name: 'Send signal' }).click();
  await visible(page.getByText(`Signal sent to ${handle.workflowId}`));
  await eventually(() => status(handle), (now) => now === 'COMPLETED');
  const event = await eventOf(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
  const signaled = event.workflowExecutionSignaledEventAttributes!;
  assert.equal(signaled.identity, 'ada@example.com');
  assert.equal(text(signaled.input?.payloads?.[0]).replace(/\s/g, ''), '{"by":9007199254740993}');
});

s.test('an argument that is no JSON is refused in its place', async ({ page }) => {
  const handle = await start('approval');
  await open(page, handle);
  await choose(page, 'Signal');
  await page.getByRole('textbox', { name: 'Signal name' }).fill('approve');
  await page.getByRole('button', { name: 'Add an argument' }).click();
  await fillJson(page.getByRole('textbox', { name: 'Input, Argument 1' }), 'nope');
  await reads(dialog(page), 'Not valid JSON');
  assert(await page.getByRole('button', { name: 'Send signal' }).isDisabled());
});

s.test('cancellation is requested, with the reason and who asked [13]', async ({ page }) => {
  const handle = await start('forever');
  await open(page, handle);
  await choose(page, 'Request cancellation');
  await page.getByRole('textbox', { name: 'Reason' }).fill('no longer wanted');
  await iAm(page, 'grace');
  await reads(dialog(page), 'temporal workflow cancel');
  await dialog(page).getByRole('button', { name: 'Request cancellation' }).click();
  await eventually(() => status(handle), (now) => now === 'CANCELLED');
  const event = await eventOf(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED);
  assert.equal(event.workflowExecutionCancelRequestedEventAttributes?.cause, 'no longer wanted');
  assert.equal(event.workflowExecutionCancelRequestedEventAttributes?.identity, 'grace');
});

s.test('terminate, with the reason and who did it [14]', async ({ page }) => {
  const handle = await start('forever');
  await open(page, handle);
  await choose(page, 'Terminate');
  await page.getByRole('textbox', { name: 'Reason' }).fill("it's a duplicate");
  await iAm(page, 'linus');
  await reads(dialog(page), 'temporal workflow terminate');
  await accessible(page, 'terminate');
  await dialog(page).getByRole('button', { name: 'Terminate' }).click();
  await eventually(() => status(handle), (now) => now === 'TERMINATED');
  const event = await eventOf(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  assert.equal(event.workflowExecutionTerminatedEventAttributes?.reason, "it's a duplicate");
  assert.equal(event.workflowExecutionTerminatedEventAttributes?.identity, 'linus');
  await reads(page.locator('main header').first(), 'Terminated');
  await reads(page.getByText('linus'), "it's a duplicate");
});

s.test('what cannot be done to a closed run is off and says why', async ({ page }) => {
  const handle = await start('order', ['book']);
  await handle.result();
  await open(page, handle);
  await page.getByRole('button', { name: 'Actions' }).click();
  const item = page.getByRole('menuitem', { name: 'Terminate' });
  await visible(item);
  assert(await item.isDisabled());
  assert.match((await item.getAttribute('title')) ?? '', /over already/);
});

s.test('delete removes the run [15]', { allow: [/404/] }, async ({ page }) => {
  const handle = await start('order', ['book']);
  await handle.result();
  await open(page, handle);
  await choose(page, 'Delete');
  await reads(dialog(page), 'temporal workflow delete');
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await eventually(async () =>
    handle.describe().then(
      () => false,
      (error) => /not found/i.test(String(error))
    )
  );
});

s.test('start, with every option that the command line has [9]', async ({ page }) => {
  const workflowId = `all-options-${randomUUID()}`;
  await page.goto(s.url(list));
  await page.getByRole('button', { name: 'Start workflow' }).click();
  const field = (name: string) => dialog(page).getByLabel(name, { exact: true }).first();
  const set = async (name: string, value: string) => {
    const label = new RegExp(`^${name}( \\*)?$`); // a star where it is needed
    const combo = dialog(page).getByRole('combobox', { name: label });
    await combo.or(dialog(page).getByRole('textbox', { name: label })).first().fill(value);
  };
  await set('Workflow type', 'facts');
  await set('Task queue', QUEUE);
  await page.keyboard.press('Escape').catch(() => undefined);
  await set('Workflow ID', workflowId);
  for (const [n, value] of ['"one"', '[2]'].entries()) {
    await dialog(page).getByRole('button', { name: 'Add an argument' }).click();
    await fillJson(dialog(page).getByRole('textbox', { name: `Input, Argument ${n + 1}` }), value);
  }
  for (const section of ['Use of the ID', 'Time', 'Retry policy', 'Memo, search attributes, headers', 'Summary and priority'])
    await dialog(page).locator('summary', { hasText: section }).click();
  await field('If a closed workflow has this ID').selectOption('REJECT_DUPLICATE');
  await field('If a running workflow has this ID').selectOption('USE_EXISTING');
  await set('Execution timeout', '2h');
  await set('Run timeout', '1h');
  await set('Task timeout', '20s');
  await dialog(page).getByRole('switch', { name: 'Start again when it fails' }).press('Space');
  await set('First interval', '3s');
  await set('Backoff factor', '1.5');
  await set('Longest interval', '1m');
  await set('Most attempts', '4');
  await set('Errors not to retry', 'Fatal, Worse');
  const pairs = [
    ['Memo', 'owner', '"ada"'],
    ['Search attributes', 'Customer', 'acme'],
    ['Headers', 'trace', '"abc"'],
  ] as const;
  for (const [group, key, value] of pairs) {
    const part = dialog(page).getByRole('group', { name: group, exact: true });
    await part.getByRole('button', { name: 'Add' }).click();
    await part.getByRole('combobox').fill(key);
    const json = part.getByRole('textbox', { name: /Value/ });
    if (group === 'Search attributes') await json.fill(value);
    else await fillJson(json, value);
  }
  await set('Summary', 'all of it');
  await set('Priority', '2');
  await set('Fairness key', 'acme');
  await set('Fairness weight', '3');
  await iAm(page, 'ada');
  await reads(dialog(page), 'temporal workflow start');
  await accessible(page, 'start');
  await dialog(page).getByRole('button', { name: 'Start', exact: true }).click();
  await visible(page.getByText(`${workflowId} started`));

  const handle = s.client.workflow.getHandle(workflowId);
  const result = (await handle.result()) as { args: unknown[] };
  assert.deepEqual(result.args, ['one', [2]]);
  const event = await eventOf(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED);
  const started = event.workflowExecutionStartedEventAttributes!;
  const secondsOf = (duration: { seconds?: unknown } | null | undefined) => Number(duration?.seconds);
  assert.equal(secondsOf(started.workflowExecutionTimeout), 7200);
  assert.equal(secondsOf(started.workflowRunTimeout), 3600);
  assert.equal(secondsOf(started.workflowTaskTimeout), 20);
  assert.equal(secondsOf(started.retryPolicy?.initialInterval), 3);
  assert.equal(started.retryPolicy?.backoffCoefficient, 1.5);
  assert.equal(secondsOf(started.retryPolicy?.maximumInterval), 60);
  assert.equal(started.retryPolicy?.maximumAttempts, 4);
  assert.deepEqual(started.retryPolicy?.nonRetryableErrorTypes, ['Fatal', 'Worse']);
  assert.equal(text(started.memo?.fields?.['owner']), '"ada"');
  assert.equal(text(started.searchAttributes?.indexedFields?.['Customer']), '"acme"');
  assert.equal(text(started.header?.fields?.['trace']), '"abc"');
  assert.equal(started.priority?.priorityKey, 2);
  assert.equal(started.priority?.fairnessKey, 'acme');
  assert.equal(started.priority?.fairnessWeight, 3);
  assert.equal(started.identity, 'ada');
});

s.test('start like this one fills the form from a run [9]', async ({ page }) => {
  const first = await start('facts', ['again', 7]);
  await first.result();
  await open(page, first);
  await choose(page, 'Start like this one');
  await eventually(() => dialog(page).getByRole('combobox', { name: 'Workflow type' }).inputValue(), (type) => type === 'facts');
  await dialog(page).getByRole('textbox', { name: 'Workflow ID' }).fill(`${first.workflowId}-again`);
  await dialog(page).getByRole('button', { name: 'Start', exact: true }).click();
  await visible(page.getByText(`${first.workflowId}-again started`));
  const again = s.client.workflow.getHandle(`${first.workflowId}-again`);
  assert.deepEqual(((await again.result()) as { args: unknown[] }).args, ['again', 7]);
});

s.test('signal with start starts what is not there, and signals it [11]', async ({ page }) => {
  const workflowId = `sws-${randomUUID()}`;
  await page.goto(s.url(list));
  await visible(page.getByRole('button', { name: 'Start workflow' }));
  await page.keyboard.press('Control+k');
  await page.keyboard.type('Signal with');
  await page.getByRole('option', { name: /Signal with start/ }).click();
  await dialog(page).getByRole('combobox', { name: 'Workflow type' }).fill('approval');
  await dialog(page).getByRole('combobox', { name: 'Task queue' }).fill(QUEUE);
  await dialog(page).getByRole('textbox', { name: 'Workflow ID' }).fill(workflowId);
  await dialog(page).getByRole('textbox', { name: 'Signal name' }).fill('approve');
  await reads(dialog(page), 'signal-with-start');
  await dialog(page).getByRole('button', { name: 'Signal with start' }).click();
  await eventually(async () => status(s.client.workflow.getHandle(workflowId)).catch(() => ''), (now) => now === 'COMPLETED');
});

s.test('what the server refuses is said in the dialog, in its words', { allow: [/4\d\d/] }, async ({ page }) => {
  const running = await start('forever');
  await page.goto(s.url(list));
  await page.getByRole('button', { name: 'Start workflow' }).click();
  await dialog(page).getByRole('combobox', { name: 'Workflow type' }).fill('forever');
  await dialog(page).getByRole('combobox', { name: 'Task queue' }).fill(QUEUE);
  await dialog(page).getByRole('textbox', { name: 'Workflow ID' }).fill(running.workflowId);
  await dialog(page).getByRole('button', { name: 'Start', exact: true }).click();
  await reads(dialog(page), /already/i);
  await running.terminate();
});

s.test('several are chosen and terminated, after a preview of how many', async ({ page }) => {
  const prefix = `some-${randomUUID()}`;
  const handles = await Promise.all([0, 1, 2].map((n) => start('forever', [], `${prefix}-${n}`)));
  await page.goto(s.url(`${list}?q=${encodeURIComponent(`WorkflowId STARTS_WITH "${prefix}"`)}`));
  for (const n of [0, 2])
    await page.getByRole('checkbox', { name: `Select ${prefix}-${n}` }).check();
  await page.getByRole('toolbar').getByRole('button', { name: 'Terminate' }).click();
  await reads(dialog(page), '2 workflows match');
  await page.getByRole('textbox', { name: 'Reason' }).fill('spring cleaning');
  await dialog(page).getByRole('button', { name: 'Terminate 2 workflows' }).click();
  await reads(dialog(page), /2 of 2.*Done/);
  assert.deepEqual(await Promise.all(handles.map(status)), ['TERMINATED', 'RUNNING', 'TERMINATED']);
  await handles[1]!.terminate();
});

s.test('all that a query matches are cancelled, closed ones left out', async ({ page }) => {
  const prefix = `whole-${randomUUID()}`;
  const handles = await Promise.all([...Array(5).keys()].map((n) => start('forever', [], `${prefix}-${n}`)));
  await handles[4]!.terminate();
  await page.goto(s.url(`${list}?q=${encodeURIComponent(`WorkflowId STARTS_WITH "${prefix}"`)}`));
  await page.getByRole('checkbox', { name: `Select ${prefix}-0` }).check();
  await page.getByRole('button', { name: /Select all \d that match/ }).click();
  await page.getByRole('toolbar').getByRole('button', { name: 'Cancel' }).click();
  await reads(dialog(page), '4 workflows match');
  await accessible(page, 'cancel all');
  await dialog(page).getByRole('button', { name: 'Request cancellation' }).or(dialog(page).getByRole('button', { name: 'Cancel 4 workflows' })).click();
  await reads(dialog(page), /4 of 4.*Done/);
  for (const handle of handles.slice(0, 4))
    await eventually(() => status(handle), (now) => now === 'CANCELLED');
});

s.test('an activity is paused, resumed and reset [28]', async ({ page }) => {
  const handle = await start('troubled', [1000]);
  await open(page, handle, 'pending');
  const paused = async () => (await handle.describe()).raw.pendingActivities?.[0]?.paused === true;
  const act = async (name: string) => {
    const button = page.getByRole('button', { name, exact: true });
    await button.first().click();
    await visible(dialog(page));
    const reason = dialog(page).getByRole('textbox', { name: 'Reason' });
    if (await reason.isVisible()) await reason.fill('the carrier is down');
    await dialog(page).getByRole('button', { name, exact: true }).click();
    await gone(dialog(page));
  };
  await act('Pause');
  await eventually(paused, (is) => is);
  await reads(page.locator('main'), 'Paused');
  await act('Resume');
  await eventually(paused, (is) => !is);
  const before = (await handle.describe()).raw.pendingActivities?.[0]?.attempt ?? 0;
  await act('Reset');
  await eventually(
    async () => (await handle.describe()).raw.pendingActivities?.[0],
    (activity) => (activity?.attempt ?? 0) < before + 3 && activity?.state !== PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED
  );
  await handle.terminate();
});

s.test('an activity is completed and failed by hand [30]', async ({ page }) => {
  const act = async (name: string, fill: () => Promise<void>) => {
    const button = page.getByRole('button', { name, exact: true });
    await eventually(() => button.first().getAttribute('aria-disabled'), (off) => off === 'false');
    await button.first().click();
    await visible(dialog(page));
    await fill();
    await reads(dialog(page), `temporal activity ${name.toLowerCase()}`);
    await dialog(page).getByRole('button', { name, exact: true }).click();
    await gone(dialog(page));
  };
  const done = await start('busy', [], '.'); // ids that a browser would take for steps in a path
  await open(page, done, 'pending');
  await act('Complete', () => fillJson(dialog(page).getByRole('textbox', { name: 'Result' }), '{"by": "hand"}'));
  await done.result();
  const completed = await eventOf(done, EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED);
  const result = completed.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
  assert.deepEqual(JSON.parse(text(result)), { by: 'hand' });
  const broken = await start('busy', [], '..');
  await open(page, broken, 'pending');
  await act('Fail', async () => {
    await dialog(page).getByRole('textbox', { name: 'Message' }).fill('the machine is gone');
    await dialog(page).getByLabel('Error type').fill('Gone');
    await dialog(page).getByLabel('Do not try again').check();
  });
  await assert.rejects(broken.result());
  const failed = await eventOf(broken, EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED);
  assert.equal(failed.activityTaskFailedEventAttributes?.failure?.message, 'the machine is gone');
});

s.test('find, open, signal, terminate and back by keyboard alone, the focus always visible [1, 10, 14]', async ({ page }) => {
  const id = `keys-${randomUUID()}`;
  const handle = await start('forever', [], id);
  const enter = () => page.keyboard.press('Enter');
  const shown = async (what: string) => {
    const at = await eventually(() => focus(page), ({ tag }) => tag !== 'body');
    assert(at.shown, `${what}: the focus is not visible on ${at.tag} "${at.name}"`);
    return at;
  };
  const tabTo = async (name: RegExp) => {
    for (let i = 0; i < 40; i++) {
      if (name.test((await focus(page)).name)) return await shown(String(name));
      await page.keyboard.press('Tab');
      await shown(`on the way to ${name}`);
    }
    throw new Error(`Tab does not reach ${name}`);
  };
  const choose = async (item: string) => {
    await visible(page.getByRole('menu'));
    for (let i = 0; (await focus(page)).name !== item; i++) {
      assert(i < 10, `the arrows do not reach ${item}`);
      await page.keyboard.press('ArrowDown');
      await shown('the menu');
    }
    await enter();
  };
  await page.goto(s.url(list));
  await visible(rows(page));
  await page.keyboard.press('Control+k');
  await page.keyboard.type(id);
  await visible(page.getByRole('option').filter({ hasText: id }).filter({ hasText: 'forever' }));
  await enter();
  await page.waitForURL(new RegExp(id));
  await visible(page.getByRole('button', { name: 'Actions' }));

  await page.locator('body').press('Tab');
  await tabTo(/^Actions/);
  await enter();
  await choose('Signal');
  await visible(dialog(page));
  await eventually(async () => (await focus(page)).tag, (tag) => tag === 'input');
  await shown('the signal’s name');
  await page.keyboard.type('nudge');
  await enter();
  await gone(dialog(page));
  await eventOf(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);

  await tabTo(/^Actions/);
  await enter();
  await choose('Terminate');
  await visible(dialog(page));
  await eventually(async () => (await focus(page)).tag, (tag) => tag === 'textarea');
  await page.keyboard.type('by keyboard');
  await tabTo(/^Terminate$/);
  await enter();
  await eventually(() => status(handle), (now) => now === 'TERMINATED');
  await gone(dialog(page));
  await page.keyboard.press('g');
  await page.keyboard.press('w');
  await visible(rows(page));
});
