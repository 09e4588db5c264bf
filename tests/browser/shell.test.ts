/* The frame around all pages: where it is served, how big it is, what is not found. */
import assert from 'node:assert/strict';
import { stage } from './lib/stage.ts';

const s = stage({});

s.test('the first page comes', async ({ page }) => {
  const response = await page.goto(s.url('/'));
  assert.equal(response?.status(), 200);
});
