/* What tests say about a page. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Locator, Page } from 'playwright-core';
import type { AxeResults } from 'axe-core';
import { eventually } from './worker.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const visible = (locator: Locator) => locator.first().waitFor({ state: 'visible' });
export const gone = (locator: Locator) => locator.first().waitFor({ state: 'hidden' });

/** Waits until the text of what is found matches; long ids stand in two parts. */
export async function reads(locator: Locator, wanted: RegExp | string): Promise<void> {
  const matches = (text: string) =>
    typeof wanted === 'string'
      ? text.includes(wanted) || text.replaceAll(' ', '').includes(wanted)
      : wanted.test(text);
  await locator.first().waitFor({ state: 'visible' });
  await eventually(async () => (await locator.first().innerText()).replace(/\s+/g, ' '), matches);
}

/** Waits until so many are there. */
export async function counts(locator: Locator, holds: (count: number) => boolean): Promise<void> {
  await eventually(() => locator.count(), holds);
}

/** Nothing serious in what axe finds, in both themes; `within` a part of the page where the rest was looked at. */
export async function accessible(page: Page, name: string, within = 'html'): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    await still(page); // colours that are on their way are no colours
    await page.evaluate(axe);
    const results = (await page.evaluate(
      `axe.run(${JSON.stringify(within)}, { resultTypes: ["violations"] })`,
    )) as AxeResults;
    const grave = results.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const told = grave.flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 200)} (${node.failureSummary})`)
    );
    assert.deepEqual(told, [], `axe, ${name}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

async function still(page: Page): Promise<void> {
  await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running'));
}

export interface Focus {
  tag: string;
  name: string; // as assistive technology would say it, roughly
  shown: boolean; // a visible outline or shadow
}

/** What has the keyboard's focus. */
export async function focus(page: Page): Promise<Focus> {
  return await page.evaluate(() => {
    const at = document.activeElement as HTMLElement | null;
    if (!at || at === document.body) return { tag: 'body', name: '', shown: false };
    const ring = (element: HTMLElement) => {
      const style = getComputedStyle(element);
      const outline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
      return outline || style.boxShadow !== 'none';
    };
    // The ring may stand on the field's wrapper or on the row that holds the link.
    let shown = false;
    let element: HTMLElement | null = at.closest<HTMLElement>('.cm-editor') ?? at;
    for (let up = 0; up < 3 && element; up++, element = element.parentElement)
      shown ||= ring(element);
    const name = at.getAttribute('aria-label') ?? at.innerText ?? at.getAttribute('placeholder');
    return { tag: at.tagName.toLowerCase(), name: (name ?? '').trim(), shown };
  });
}

/** Presses Tab until `wanted` has the focus; on the way, every stop must be visible. */
export async function tabTo(page: Page, wanted: (at: Focus) => boolean, key = 'Tab', most = 80) {
  const seen: string[] = [];
  for (let i = 0; i < most; i++) {
    await page.keyboard.press(key);
    const at = await focus(page);
    if (at.tag !== 'body') assert(at.shown, `the focus is not visible on ${at.tag} "${at.name}"`);
    if (wanted(at)) return;
    seen.push(`${at.tag} "${at.name.slice(0, 30)}"`);
  }
  throw new Error(`not reached by ${key}; passed ${seen.join(', ')}`);
}
