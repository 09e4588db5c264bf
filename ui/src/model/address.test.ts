import { expect, it } from 'vitest';
import { fromPath, toPath } from './address';

it('names what a path would take for a step, and leaves all else', () => {
  for (const id of ['.', '..', '~.', '~..', '~~.', '...', '~', '~...', 'a/b#c?d%e f', '.x', 'x.', '%2e', '']) {
    const path = toPath(id);
    expect(path).not.toMatch(/^\.{1,2}$/);
    expect(fromPath(path)).toBe(id);
  }
  expect(toPath('order-1')).toBe('order-1');
  expect(toPath('...')).toBe('...');
  expect(fromPath('.')).toBe('.');
});
