import { describe, expect, it } from 'vitest';
import { eventDetail, stepAttempts, stepDetail, stepName, summaryText } from './describe';
import { attributesKey, eventKind, eventTypeName, eventWords, knownEventTypes } from './events';
import { payloads, Story } from './fixtures';
import { HistoryLog } from './history';
import { jsonPayload } from './payloads';
import type { HistoryEvent } from './proto';

function logOf(events: readonly HistoryEvent[]): HistoryLog {
  const log = new HistoryLog();
  log.add(events);
  return log;
}

function story(): Story {
  const s = new Story();
  s.started();
  s.task();
  s.activity('charge', '1', { paid: true }, 3);
  s.task();
  const timer = s.timer('2', 30);
  s.after(30_000).event('TIMER_FIRED', { timerId: '2', startedEventId: String(timer) });
  s.signal('approve', { by: 'ann' });
  s.task();
  const child = s.event('START_CHILD_WORKFLOW_EXECUTION_INITIATED', {
    workflowId: 'ship-1',
    workflowType: { name: 'Ship' },
    input: payloads(1),
  });
  const execution = { workflowId: 'ship-1', runId: 'r-2' };
  s.after(5).event('CHILD_WORKFLOW_EXECUTION_STARTED', {
    initiatedEventId: String(child),
    workflowExecution: execution,
    workflowType: { name: 'Ship' },
  });
  s.after(5).event('CHILD_WORKFLOW_EXECUTION_FAILED', {
    initiatedEventId: String(child),
    workflowExecution: execution,
    failure: { message: 'child', childWorkflowExecutionFailureInfo: {}, cause: { message: 'no truck', applicationFailureInfo: { type: 'NoTruck' } } },
    retryState: 'RETRY_STATE_RETRY_POLICY_NOT_SET',
  });
  s.task();
  s.event('WORKFLOW_EXECUTION_COMPLETED', { result: payloads('done') });
  return s;
}

describe('event types', () => {
  it('has every type of the API, each with attributes of that name', () => {
    expect(knownEventTypes).toHaveLength(60);
    expect(attributesKey('ACTIVITY_TASK_CANCEL_REQUESTED')).toBe(
      'activityTaskCancelRequestedEventAttributes',
    );
    expect(eventWords('TIMER_FIRED')).toBe('Timer fired');
  });

  it('reads older names and keeps unknown ones', () => {
    expect(eventTypeName('WorkflowExecutionStarted')).toBe('WORKFLOW_EXECUTION_STARTED');
    expect(eventTypeName('EVENT_TYPE_LATER_ADDED')).toBe('LATER_ADDED');
    expect(eventTypeName(undefined)).toBe('UNSPECIFIED');
    expect(eventKind('LATER_ADDED')).toMatchObject({ category: 'other', role: 'alone' });
  });
});

describe('HistoryLog', () => {
  it('gathers events into steps with their outcome', () => {
    const steps = logOf(story().events).steps();
    expect(steps.map((s) => [s.kind, s.outcome, s.events.length])).toEqual([
      ['workflow', undefined, 1],
      ['task', 'completed', 3],
      ['activity', 'completed', 3],
      ['task', 'completed', 3],
      ['timer', 'fired', 2],
      ['signal', 'received', 1],
      ['task', 'completed', 3],
      ['child', 'failed', 3],
      ['task', 'completed', 3],
      ['workflow', 'completed', 1],
    ]);
  });

  it('comes to the same however the pages arrive', () => {
    const { events } = story();
    const whole = logOf(events);
    for (const size of [1, 2, 5, 7]) {
      const log = new HistoryLog();
      const middle = 11;
      for (let i = middle; i < events.length; i += size) log.add(events.slice(i, i + size));
      for (let i = middle; i > 0; i -= size) {
        log.add(events.slice(Math.max(0, i - size), i).reverse());
      }
      expect(log.complete).toBe(true);
      expect(log.size).toBe(events.length);
      const shape = (l: HistoryLog): unknown =>
        l.steps().map((s) => [s.key, s.anchor, s.outcome, s.events.map((e) => e.id)]);
      expect(shape(log)).toEqual(shape(whole));
    }
  });

  it('keeps no event twice and leaves no hole', () => {
    const { events } = story();
    const log = logOf(events.slice(10));
    expect(log.add(events.slice(10))).toBe(0);
    expect(log.add(events.slice(0, 5))).toBe(0);
    expect(log.first).toBe(11);
    expect(log.add(events.slice(4, 12))).toBe(6);
    expect(log.first).toBe(5);
    expect(log.get(5)?.id).toBe(5);
    expect(log.get(4)).toBeUndefined();
    expect(log.at(0)?.id).toBe(5);
    expect(log.complete).toBe(false);
  });

  it('shows a step whose beginning is not loaded, and completes it later', () => {
    const { events } = story();
    const log = logOf(events.slice(6));
    const first = log.steps()[0];
    expect(first).toMatchObject({ kind: 'activity', anchor: 5, outcome: 'completed' });
    expect(first?.open).toBeUndefined();
    expect(stepName(first!)).toBe('Activity of event 5');
    log.add(events.slice(0, 6));
    expect(log.steps().find((s) => s.anchor === 5)).toBe(first);
    expect(stepName(first!)).toBe('charge');
  });

  it('follows an update by its id', () => {
    const s = new Story();
    s.started();
    s.event('WORKFLOW_EXECUTION_UPDATE_ADMITTED', {
      request: { meta: { updateId: 'u-1' }, input: { name: 'setPrice', args: payloads(12) } },
    });
    s.event('WORKFLOW_EXECUTION_UPDATE_ACCEPTED', {
      protocolInstanceId: 'u-1',
      acceptedRequest: { meta: { updateId: 'u-1' }, input: { name: 'setPrice', args: payloads(12) } },
    });
    s.event('WORKFLOW_EXECUTION_UPDATE_COMPLETED', {
      meta: { updateId: 'u-1' },
      acceptedEventId: '3',
      outcome: { failure: { message: 'too cheap' } },
    });
    const step = logOf(s.events).steps()[1]!;
    expect(step).toMatchObject({ kind: 'update', outcome: 'failed', anchor: 2 });
    expect(stepName(step)).toBe('setPrice');
    expect(stepDetail(step)).toBe('too cheap');
  });

  it('finds what an event refers to', () => {
    const log = logOf(story().events);
    const completed = log.get(7)!;
    expect(completed.type).toBe('ACTIVITY_TASK_COMPLETED');
    expect(log.related(completed).map((e) => e.id)).toEqual([5, 6]);
  });

  it('takes 50,000 events page by page in time that grows with their number alone', () => {
    const s = new Story();
    s.started();
    while (s.events.length < 50_000) s.activity('work', String(s.events.length));
    const cost = (count: number): number => {
      const log = new HistoryLog();
      const began = performance.now();
      for (let end = count; end > 0; end -= 256) {
        log.add(s.events.slice(Math.max(0, end - 256), end));
      }
      expect(log.size).toBe(count);
      expect(log.steps().length).toBeGreaterThan(count / 4);
      return performance.now() - began;
    };
    const best = (count: number) => Math.min(cost(count), cost(count), cost(count)); // the machine may do other things
    cost(5_000);
    const few = Math.max(best(5_000), 5);
    expect(best(50_000)).toBeLessThan(few * 60); // a quadratic cost would be a hundred times as much
  });
});

describe('words', () => {
  it('says of a step what it is and how it ended', () => {
    const steps = logOf(story().events).steps();
    expect(steps.map(stepName)).toEqual([
      'Workflow execution started',
      'Workflow task',
      'charge',
      'Workflow task',
      '30 s',
      'approve',
      'Workflow task',
      'Ship',
      'Workflow task',
      'Workflow execution completed',
    ]);
    expect(stepDetail(steps[2]!)).toBe('{"paid": true}');
    expect(stepAttempts(steps[2]!)).toBe(3);
    expect(stepDetail(steps[7]!)).toBe('ship-1 · NoTruck: no truck · Retry policy not set');
  });

  it('says of an event what its name does not', () => {
    const log = logOf(story().events);
    expect(eventDetail(log.get(1)!)).toBe('Order · {"order": 1}');
    expect(eventDetail(log.get(6)!)).toBe('attempt 3 · worker-1');
    expect(eventDetail(log.get(2)!)).toBe('orders');
  });

  it('prefers the summary that workflow code gave', () => {
    const s = new Story();
    s.event(
      'TIMER_STARTED',
      { timerId: '1', startToFireTimeout: '3600s' },
      { userMetadata: { summary: jsonPayload('"wait for the courier"') } },
    );
    const log = logOf(s.events);
    expect(summaryText(log.get(1))).toBe('wait for the courier');
    expect(stepName(log.steps()[0]!)).toBe('wait for the courier');
  });

  it('names local activities of the SDKs by their markers', () => {
    const s = new Story();
    const marker = (name: string, details: unknown): number =>
      s.event('MARKER_RECORDED', { markerName: name, details });
    marker('core_local_activity', { data: payloads({ activity_type: 'look', seq: 1 }) });
    marker('LocalActivity', { data: payloads({ ActivityType: 'Look', Attempt: 1 }) });
    marker('LocalActivity', { type: payloads('look') });
    marker('Version', { 'change-id': payloads('fix-1'), version: payloads(2) });
    s.event('MARKER_RECORDED', { markerName: 'core_local_activity', failure: { message: 'no' } });
    const steps = logOf(s.events).steps();
    expect(steps.map(stepName)).toEqual([
      'look (local activity)',
      'Look (local activity)',
      'look (local activity)',
      'Version · fix-1',
      'core_local_activity',
    ]);
    expect(steps.at(-1)?.outcome).toBe('failed');
  });
});
