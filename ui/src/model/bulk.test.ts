import { expect, it } from 'vitest';
import { runBulk } from './bulk';

it('does each once, a few at a time, and keeps what failed', async () => {
  const seen: number[] = [];
  let running = 0;
  let most = 0;
  const last = await runBulk({
    items: [1, 2, 3, 4, 5],
    atOnce: 2,
    signal: new AbortController().signal,
    onProgress: () => {},
    run: async (n) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      seen.push(n);
      if (n === 3) throw new Error('no');
    },
  });
  expect(seen.sort()).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
  expect(last).toMatchObject({ total: 5, done: 5, finished: true, stopped: false });
  expect(last.failures).toEqual([{ item: 3, reason: 'no' }]);
});

it('stops when told', async () => {
  const abort = new AbortController();
  const last = await runBulk({
    items: [1, 2, 3],
    atOnce: 1,
    signal: abort.signal,
    onProgress: (p) => p.done === 1 && abort.abort(),
    run: async () => {},
  });
  expect(last).toMatchObject({ done: 1, stopped: true, finished: true });
});
