import { describe, expect, it } from 'vitest';
import { eventDetail, stepAttempts, stepDetail, stepName } from './describe';
import { payloads, Story } from './fixtures';
import { HistoryLog, viewEvent } from './history';
import { jsonPayload } from './payloads';
import type { Attributes } from './proto';

const failure = { message: 'no stock', applicationFailureInfo: { type: 'OutOfStock' } };
const run = { workflowExecution: { workflowId: 'order-7' } };

/** One event on one line. */
function line(type: string, attributes: Attributes): string {
  const s = new Story();
  s.event(type, attributes);
  return eventDetail(viewEvent(s.events[0]!));
}

it.each<[type: string, attributes: Attributes, said: string]>([
  ['WORKFLOW_EXECUTION_STARTED', { workflowType: { name: 'Order' }, attempt: 3, input: payloads(1) }, 'Order · attempt 3 · 1'],
  ['WORKFLOW_EXECUTION_COMPLETED', { result: payloads({ a: 1 }) }, '{"a": 1}'],
  ['WORKFLOW_EXECUTION_FAILED', { failure, retryState: 'RETRY_STATE_TIMEOUT' }, 'OutOfStock: no stock · Timeout'],
  ['WORKFLOW_EXECUTION_TIMED_OUT', { retryState: 'RETRY_STATE_RETRY_POLICY_NOT_SET' }, 'Retry policy not set'],
  ['WORKFLOW_EXECUTION_CANCELED', { details: payloads('why') }, '"why"'],
  ['WORKFLOW_EXECUTION_TERMINATED', { reason: 'enough', identity: 'ada' }, 'enough · ada'],
  ['WORKFLOW_EXECUTION_CANCEL_REQUESTED', { cause: 'late', identity: 'ada' }, 'late · ada'],
  ['WORKFLOW_EXECUTION_CONTINUED_AS_NEW', { initiator: 'CONTINUE_AS_NEW_INITIATOR_RETRY', newExecutionRunId: 'r2' }, 'Retry · r2'],
  ['WORKFLOW_EXECUTION_PAUSED', { reason: 'audit', identity: 'ada' }, 'audit · ada'],
  ['WORKFLOW_EXECUTION_UNPAUSED', { reason: 'done' }, 'done'],
  ['WORKFLOW_EXECUTION_SIGNALED', { signalName: 'approve', input: payloads(true), identity: 'ada' }, 'approve · true · ada'],
  ['UPSERT_WORKFLOW_SEARCH_ATTRIBUTES', { searchAttributes: { indexedFields: { A: {}, B: {} } } }, 'A, B'],
  ['WORKFLOW_PROPERTIES_MODIFIED', { upsertedMemo: { fields: { note: {} } } }, 'note'],
  ['WORKFLOW_TASK_SCHEDULED', { taskQueue: { name: 'shop' }, attempt: 2 }, 'shop · attempt 2'],
  ['WORKFLOW_TASK_STARTED', { identity: 'worker-1' }, 'worker-1'],
  ['WORKFLOW_TASK_TIMED_OUT', { timeoutType: 'TIMEOUT_TYPE_START_TO_CLOSE' }, 'Start to close'],
  ['WORKFLOW_TASK_FAILED', { cause: 'WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR', failure }, 'Non deterministic error · OutOfStock: no stock'],
  ['ACTIVITY_TASK_STARTED', { attempt: 2, identity: 'w', lastFailure: failure }, 'attempt 2 · w · OutOfStock: no stock'],
  ['ACTIVITY_TASK_TIMED_OUT', { failure: { message: 'slow', timeoutFailureInfo: { timeoutType: 'TIMEOUT_TYPE_HEARTBEAT' } } }, 'Heartbeat: slow'],
  ['ACTIVITY_TASK_CANCELED', { details: payloads(1) }, '1'],
  ['TIMER_STARTED', { timerId: '9', startToFireTimeout: '90s' }, '1m 30s · timer 9'],
  ['TIMER_FIRED', { timerId: '9' }, 'timer 9'],
  ['TIMER_CANCELED', { timerId: '9' }, 'timer 9'],
  ['START_CHILD_WORKFLOW_EXECUTION_INITIATED', { workflowType: { name: 'Order' }, workflowId: 'c', input: payloads(1) }, 'Order · c · 1'],
  ['START_CHILD_WORKFLOW_EXECUTION_FAILED', { cause: 'START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS', workflowId: 'c' }, 'Workflow already exists · c'],
  ['CHILD_WORKFLOW_EXECUTION_STARTED', { workflowType: { name: 'Order' }, ...run }, 'Order · order-7'],
  ['CHILD_WORKFLOW_EXECUTION_CANCELED', { ...run, details: payloads(1) }, 'order-7 · 1'],
  ['CHILD_WORKFLOW_EXECUTION_TIMED_OUT', { ...run, retryState: 'RETRY_STATE_TIMEOUT' }, 'order-7 · Timeout'],
  ['CHILD_WORKFLOW_EXECUTION_TERMINATED', run, 'order-7'],
  ['SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED', { signalName: 'go', ...run, input: payloads(1) }, 'go · order-7 · 1'],
  ['SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED', { cause: 'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND', ...run }, 'Namespace not found · order-7'],
  ['REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED', { ...run, reason: 'late' }, 'order-7 · late'],
  ['REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED', { cause: 'CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND', ...run }, 'Namespace not found · order-7'],
  ['EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED', run, 'order-7'],
  ['WORKFLOW_EXECUTION_UPDATE_ACCEPTED', { acceptedRequest: { input: { name: 'add', args: payloads(2) } } }, 'add · 2'],
  ['WORKFLOW_EXECUTION_UPDATE_REJECTED', { rejectedRequest: { input: { name: 'add' } }, failure }, 'add · OutOfStock: no stock'],
  ['WORKFLOW_EXECUTION_UPDATE_COMPLETED', { outcome: { success: payloads(3) } }, '3'],
  ['WORKFLOW_EXECUTION_UPDATE_COMPLETED', { outcome: { failure } }, 'OutOfStock: no stock'],
  ['MARKER_RECORDED', { markerName: 'note', failure }, 'note · OutOfStock: no stock'],
  ['MARKER_RECORDED', { markerName: 'core_patch', details: { 'patch-data': { payloads: [jsonPayload('{"id":"v2"}')] } } }, 'core_patch · {"id":"v2"}'],
  ['MARKER_RECORDED', { markerName: 'Version', details: { 'change-id': payloads('v3') } }, 'Version · v3'],
  ['NEXUS_OPERATION_SCHEDULED', { service: 'pay', operation: 'charge', endpoint: 'bank', input: jsonPayload('1') }, 'pay/charge · bank · 1'],
  ['NEXUS_OPERATION_COMPLETED', { result: jsonPayload('2') }, '2'],
  ['NEXUS_OPERATION_FAILED', { failure }, 'OutOfStock: no stock'],
  ['SOMETHING_OF_TOMORROW', { field: 1 }, ''],
])('%s %j: %s', (type, attributes, said) => {
  expect(line(type, attributes)).toBe(said);
});

it('begins with the summary that the workflow gave', () => {
  const s = new Story();
  s.event('TIMER_FIRED', { timerId: '1' }, { userMetadata: { summary: jsonPayload('"cool down"') } });
  expect(eventDetail(viewEvent(s.events[0]!))).toBe('cool down · timer 1');
});

describe('steps', () => {
  const stepOf = (tell: (s: Story) => void, n = 0) => {
    const s = new Story();
    tell(s);
    const log = new HistoryLog();
    log.add(s.events);
    return log.steps()[n]!;
  };

  it('have a name of their own', () => {
    const names: [(s: Story) => void, string][] = [
      [(s) => s.event('TIMER_STARTED', { timerId: '1', startToFireTimeout: '60s' }), '1m'],
      [(s) => s.event('TIMER_STARTED', { timerId: '1' }), 'timer 1'],
      [(s) => s.event('WORKFLOW_EXECUTION_SIGNALED', { signalName: 'go' }), 'go'],
      [(s) => s.event('START_CHILD_WORKFLOW_EXECUTION_INITIATED', { workflowType: { name: 'Order' } }), 'Order'],
      [(s) => s.event('NEXUS_OPERATION_SCHEDULED', { operation: 'charge' }), 'charge'],
      [(s) => s.event('MARKER_RECORDED', { markerName: 'core_local_activity', details: { data: payloads({ activity_type: 'ship' }) } }), 'ship (local activity)'],
      [(s) => s.event('REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED', run), 'order-7'],
      [(s) => s.event('WORKFLOW_EXECUTION_STARTED'), 'Workflow execution started'],
    ];
    for (const [tell, name] of names) expect(stepName(stepOf(tell))).toBe(name);
  });

  it('tell how they ended, else what went in', () => {
    expect(stepDetail(stepOf((s) => s.activity('charge', '1', { paid: true })))).toBe('{"paid": true}');
    expect(
      stepDetail(stepOf((s) => s.event('ACTIVITY_TASK_SCHEDULED', { activityType: { name: 'a' }, activityId: '1', input: payloads(5) }))),
    ).toBe('5');
    expect(stepDetail(stepOf((s) => s.event('TIMER_STARTED', { timerId: '4', startToFireTimeout: '1s' })))).toBe('timer 4');
    expect(stepAttempts(stepOf((s) => s.activity('charge', '1', {})))).toBe(1);
  });
});
