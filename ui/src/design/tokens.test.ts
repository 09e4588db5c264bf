import { describe, expect, it } from 'vitest';
import { contrast } from './contrast';
import { type Colors, dark, light, sizes } from './tokens';

const backgrounds = ['surface', 'panel', 'hover', 'selected'] as const;
const texts = ['text', 'dim', 'faint', 'accent', 'red', 'amber'] as const;
const marks = ['markNeutral', 'markAccent', 'markRed', 'markAmber', 'markWait', 'focus'] as const;
const pairs: [keyof Colors, keyof Colors, number][] = [
  ...texts.flatMap((t) => backgrounds.map((b): [keyof Colors, keyof Colors, number] => [t, b, 4.5])),
  ...marks.flatMap((m) =>
    (['surface', 'panel'] as const).map((b): [keyof Colors, keyof Colors, number] => [m, b, 3]),
  ),
  ['red', 'redSoft', 4.5],
  ['text', 'redSoft', 4.5],
  ['amber', 'amberSoft', 4.5],
  ['text', 'amberSoft', 4.5],
  ['accent', 'accentSoft', 4.5],
  ['onFill', 'accentFill', 4.5],
  ['onFill', 'accentFillHover', 4.5],
  ['onFill', 'redFill', 4.5],
  ['onFill', 'redFillHover', 4.5],
];

describe.each([
  ['light', light],
  ['dark', dark],
])('contrast in %s', (_name, colors) => {
  it.each(pairs)('%s on %s is at least %d', (front, back, least) => {
    expect(contrast(colors[front], colors[back])).toBeGreaterThanOrEqual(least);
  });
});

it('has no type below 12 px', () => {
  for (const [name, value] of Object.entries(sizes))
    if (name.startsWith('font')) expect(parseInt(value)).toBeGreaterThanOrEqual(12);
});

it('computes the contrast of black and white', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
});
