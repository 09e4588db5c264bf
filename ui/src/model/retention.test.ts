import { expect, it } from 'vitest';
import { retentionSeconds, retentionText } from './retention';

it('shows and reads retention', () => {
  expect(retentionText('259200s')).toBe('3d');
  expect(retentionText('7200s')).toBe('2h');
  expect(retentionText('90s')).toBe('90s');
  expect(retentionText(undefined)).toBe('');
  expect(retentionText('0s')).toBe('');
  expect(retentionSeconds('3d')).toBe('259200s');
  expect(retentionSeconds('30')).toBe('2592000s');
  expect(retentionSeconds('72h')).toBe('259200s');
  expect(retentionSeconds('soon')).toBeUndefined();
  expect(retentionSeconds('0')).toBeUndefined();
});
