import { expect, it } from 'vitest';
import { seriesOf } from './series';

it('makes plots of figures', () => {
  const series = seriesOf({
    first: '1970-01-01T00:01:00Z', step: '10s',
    series: [{ name: 'added', unit: '1', values: [10, 'NaN', 30] }],
  });
  expect(series?.times).toEqual([60, 70, 80]);
  expect(series?.values('added')).toEqual([10, null, 30]);
  expect(series?.rates('added')).toEqual([1, null, 3]);
  expect(series?.values('other')).toEqual([null, null, null]);
});

it('is nothing where there is nothing', () => {
  expect(seriesOf(null)).toBeUndefined();
  expect(seriesOf({})).toBeUndefined();
});
