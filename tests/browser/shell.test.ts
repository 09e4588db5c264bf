/* The frame around all pages: what it weighs, what is not found, appearance, palette, shortcuts. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { accessible, focus, gone, reads, visible } from './lib/check.ts';
import { stage } from './lib/stage.ts';
import { eventually } from './lib/worker.ts';

const FIRST_LOAD_MAX = 600 * 1024; // bytes as transferred

const s = stage({ demo: 4 });
const workflows = '/namespaces/default/workflows';

const nav = (page: Page) => page.getByRole('navigation', { name: 'Sections' }).first();

s.test('the address without a path leads to the workflows', async ({ page }) => {
  await page.goto(s.url('/'));
  await visible(nav(page).getByRole('link', { name: 'Workflows' }));
  await eventually(async () => new URL(page.url()).pathname, (path) => path === workflows);
});

s.test('the first load is small', async ({ page, watch }) => {
  await page.goto(s.url(workflows));
  await visible(page.getByText('order-', { exact: false }));
  await page.waitForLoadState('load');
  const all = [...watch.bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  assert(all > 20_000, `only ${all} bytes were counted`);
  assert(all <= FIRST_LOAD_MAX, `${all} bytes: ${JSON.stringify([...watch.bytes])}`);
});

s.test('while its scripts are on their way the page says that it loads', async ({ page }) => {
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route(/assets\/WorkflowsPage.*\.js/, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(s.url(workflows), { waitUntil: 'commit' });
  const loading = page.locator('body > p');
  await reads(loading, 'Loading…');
  go();
  await gone(loading);
});

s.test('assets are cached for good, the page is not', async ({ page }) => {
  const page1 = await page.goto(s.url(workflows));
  assert.match(page1?.headers()['cache-control'] ?? '', /no-cache|no-store/);
  const script = await page.locator('script[type=module]').getAttribute('src');
  const response = await page.request.get(new URL(script!, s.server.base).href);
  assert.equal(response.status(), 200);
  assert.match(response.headers()['cache-control'] ?? '', /immutable/);
});

s.test('an address that is no page says so, and leads back', async ({ page }) => {
  await page.goto(s.url('/no/such/page'));
  await visible(page.getByText('There is no page here'));
  await reads(page.locator('main'), '/no/such/page');
  await page.getByRole('link', { name: 'Go to the workflows' }).click();
  await eventually(async () => new URL(page.url()).pathname, (path) => path === workflows);
});

s.test('a namespace that is not there says so', { allow: [/404/] }, async ({ page }) => {
  await page.goto(s.url('/namespaces/nowhere/workflows'));
  await reads(page.locator('main'), /nowhere/);
  await reads(page.locator('main'), /no namespace|not found/i);
});

s.test('the palette finds a run by its id and opens it', async ({ page }) => {
  await page.goto(s.url(workflows));
  await visible(nav(page));
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: 'Find a run or go to a page' });
  await field.fill('order-');
  const runs = page.getByRole('option').filter({ hasText: /order-.*(ago|now)/ });
  await visible(runs);
  const wanted = await runs.first().innerText();
  await page.keyboard.press('Enter');
  await page.waitForURL(/workflows\/[^/]+\/[^/]+/);
  const id = decodeURIComponent(new URL(page.url()).pathname.split('/')[4]!);
  assert(wanted.includes(id), `${wanted} was chosen, ${id} opened`);
});

s.test('the palette goes to pages and closes with Escape', async ({ page }) => {
  await page.goto(s.url(workflows));
  await visible(nav(page));
  await page.keyboard.press('Control+k');
  await page.keyboard.type('workfl');
  await visible(page.getByRole('option', { name: 'Workflows' }));
  await page.keyboard.press('Escape');
  await gone(page.getByRole('dialog'));
});

s.test('the shortcuts are listed under ?', async ({ page }) => {
  await page.goto(s.url(workflows));
  await visible(nav(page));
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await visible(dialog);
  for (const text of ['Ctrl', 'Workflows']) await reads(dialog, text);
  await page.keyboard.press('Escape');
  await gone(dialog);
});

s.test('the first stop of Tab leads past the bar', async ({ page }) => {
  await page.goto(s.url(workflows));
  await visible(nav(page));
  await page.keyboard.press('Tab');
  assert.match((await focus(page)).name, /Skip to the content/);
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'content');
});

s.test('the theme follows the system until one is chosen, and then stays', async ({ page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(s.url(workflows));
  await visible(nav(page));
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  await eventually(background, (now) => now !== light);
  const dark = await background();
  await page.getByRole('button', { name: 'Name and appearance' }).click();
  await page.getByText('Light', { exact: true }).click();
  await eventually(background, (now) => now === light);
  await page.reload();
  await visible(nav(page));
  assert.equal(await background(), light);
  assert.notEqual(light, dark);
});

s.test('times read relative, local or UTC', async ({ page }) => {
  await page.goto(s.url(workflows));
  await visible(page.getByText(/ago|just now/));
  await page.getByRole('button', { name: 'Name and appearance' }).click();
  await page.getByText('UTC', { exact: true }).click();
  await page.keyboard.press('Escape');
  await gone(page.locator('main').getByText(/\d ?(s|min) ago/));
  await reads(page.locator('main'), new RegExp(String(new Date().getUTCFullYear())));
});

s.test('a name is kept in this browser', async ({ page }) => {
  await page.goto(s.url(workflows));
  await page.getByRole('button', { name: 'Name and appearance' }).click();
  await page.getByLabel('Your name').fill('ada@example.com');
  await page.reload();
  await page.getByRole('button', { name: 'Name and appearance' }).click();
  assert.equal(await page.getByLabel('Your name').inputValue(), 'ada@example.com');
});

s.test('nothing is inaccessible in the frame and its dialogs', async ({ page }) => {
  await page.goto(s.url('/no/such/page'));
  await visible(nav(page));
  await accessible(page, 'not found');
  await page.keyboard.press('?');
  await visible(page.getByRole('dialog'));
  await accessible(page, 'shortcuts');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await visible(page.getByRole('combobox'));
  await accessible(page, 'palette');
});

s.test('at 390 pixels nothing scrolls sideways', { mobile: true }, async ({ page }) => {
  for (const path of [workflows, '/no/such/page']) {
    await page.goto(s.url(path));
    await visible(page.getByRole('link', { name: 'Workflows' }));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= 390, `${path} is ${wide} pixels wide`);
  }
});
