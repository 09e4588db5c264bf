import { expect, it } from 'vitest';
import { affectedQuery, subject, toneOf } from './failures';

it('names what failed and where to look', () => {
  const group = { source: 'FAILURE_SOURCE_ACTIVITY', workflowType: 'Order', activityType: 'Charge', count: '3', retrying: '3' };
  expect(subject(group)).toBe('Charge');
  expect(subject({ workflowType: 'Order' })).toBe('Order');
  expect(affectedQuery(group)).toBe('ExecutionStatus = "Running" AND WorkflowType = "Order"');
  expect(affectedQuery({})).toBe('ExecutionStatus = "Running"');
  expect(toneOf(group)).toBe('amber');
  expect(toneOf({ ...group, retrying: '2' })).toBe('red');
  expect(toneOf({ source: 'FAILURE_SOURCE_WORKFLOW', count: '1', retrying: '1' })).toBe('red');
});
