import { expect, it } from 'vitest';
import { byConcern, forecast, queueState, rateWords, shownState } from './queues';

it('says how a queue is', () => {
  expect(queueState({ idleReason: 'IDLE_REASON_POLLERS_BUSY' })).toBe('busy');
  expect(queueState({ addRate: 2, dispatchRate: 2 })).toBe('flowing');
  const late = { backlogCount: '9', backlogAge: '3s' };
  expect(queueState({ addRate: 3, dispatchRate: 2, ...late })).toBe('growing');
  expect(queueState({ addRate: 3, dispatchRate: 2, backlogCount: '9', backlogAge: '0.02s' })).toBe('flowing');
  expect(queueState({ idleReason: 'IDLE_REASON_POLLERS_BUSY', dispatchRate: 2, backlogAge: '0.02s' })).toBe('flowing');
  expect(queueState({ idleReason: 'IDLE_REASON_POLLERS_BUSY', dispatchRate: 2, ...late })).toBe('busy');
  expect(queueState({})).toBe('idle');
});

it('is calm about an unpolled queue with nothing in it', () => {
  expect(shownState({ idleReason: 'IDLE_REASON_NO_POLLERS' }).tone).toBe('neutral');
  expect(shownState({ idleReason: 'IDLE_REASON_NO_POLLERS', backlogCount: '1' }).tone).toBe('amber');
});

it('puts concern first', () => {
  const names = [
    { name: 'b', dispatchRate: 1 },
    { name: 'a', dispatchRate: 1 },
    { name: 'z', idleReason: 'IDLE_REASON_NO_POLLERS', backlogCount: '2' },
  ]
    .sort(byConcern)
    .map((q) => q.name);
  expect(names).toEqual(['z', 'a', 'b']);
});

it('writes rates', () => {
  expect([undefined, 0.001, 1.234, 12.34, 1234].map(rateWords)).toEqual(['0', '<0.01', '1.23', '12.3', '1,234']);
});

it('forecasts', () => {
  expect(forecast({ backlogCount: '0' })).toBeUndefined();
  expect(forecast({ backlogCount: '10', dispatchRate: 2, addRate: 1 })).toEqual({ kind: 'drains', value: 10_000 });
  expect(forecast({ backlogCount: '10', dispatchRate: 1, addRate: 2 })).toEqual({ kind: 'grows', value: 60 });
  expect(forecast({ backlogCount: '10', dispatchRate: 1, addRate: 1 })).toEqual({ kind: 'stands', value: 0 });
});
