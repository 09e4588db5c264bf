import { expect, it } from 'vitest';
import { listAttributes, nameWords } from './attributes';
import { payloads } from './fixtures';

it('says of each value what it is', () => {
  const failure = { message: 'no' };
  const list = listAttributes({
    activityId: '7',
    activityType: { name: 'charge' },
    taskQueue: { name: 'orders', kind: 'TASK_QUEUE_KIND_NORMAL' },
    input: payloads(1),
    startToCloseTimeout: '30s',
    workflowTaskCompletedEventId: '4',
    retryPolicy: { initialInterval: '1s', maximumAttempts: 5, nonRetryableErrorTypes: ['A', 'B'] },
    retryState: 'RETRY_STATE_IN_PROGRESS',
    failure,
    workflowExecution: { workflowId: 'w', runId: 'r' },
    workflowExecutionExpirationTime: '2026-11-23T08:00:00Z',
    header: { fields: { 'trace-id': payloads('x').payloads?.[0] } },
    empty: '',
    none: null,
    flag: true,
  });
  expect(list.map((a) => [a.name, a.value.is])).toEqual([
    ['Activity id', 'text'],
    ['Activity type', 'text'],
    ['Task queue · name', 'text'],
    ['Task queue · kind', 'text'],
    ['Input', 'payloads'],
    ['Start to close timeout', 'duration'],
    ['Workflow task completed event id', 'event'],
    ['Retry policy · initial interval', 'duration'],
    ['Retry policy · maximum attempts', 'text'],
    ['Retry policy · non retryable error types', 'text'],
    ['Retry policy · non retryable error types', 'text'],
    ['Retry state', 'enum'],
    ['Failure', 'failure'],
    ['Workflow execution', 'execution'],
    ['Workflow execution expiration time', 'time'],
    ['Header · trace-id', 'payloads'],
    ['Flag', 'text'],
  ].map(([name, is]) => [name, name === 'Task queue · kind' ? 'enum' : is]));
  expect(list.find((a) => a.name === 'Retry state')?.value).toEqual({ is: 'enum', text: 'In progress' });
});

it('leaves alone what somebody wrote', () => {
  const list = listAttributes({ reason: 'BE_CAREFUL', signalName: 'ORDER_PAID', identity: '30s' });
  expect(list.slice(1).map((a) => a.value)).toEqual([
    { is: 'text', text: 'ORDER_PAID' },
    { is: 'text', text: '30s' },
  ]);
});

it('shows details that markers keep under names', () => {
  const list = listAttributes({ details: { data: payloads(1), 'Side-Effect': payloads(2) } });
  expect(list.map((a) => [a.name, a.value.is])).toEqual([
    ['Details · data', 'payloads'],
    ['Details · Side-Effect', 'payloads'],
  ]);
  expect(nameWords('firstExecutionRunId')).toBe('First execution run id');
});

it('ends with nesting that never does', () => {
  let deep: Record<string, unknown> = { x: '1' };
  for (let i = 0; i < 100; i++) deep = { y: deep, z: '2' };
  expect(listAttributes({ deep }).length).toBeLessThan(20);
});
