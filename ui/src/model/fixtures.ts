/** Histories for tests: events as the API's JSON has them, with ids and times counted by the builder. */

import { attributesKey } from './events';
import { jsonPayload } from './payloads';
import type { Attributes, HistoryEvent, Payload, Payloads } from './proto';

export function payloads(...values: unknown[]): Payloads {
  return { payloads: values.map((v): Payload => jsonPayload(JSON.stringify(v))) };
}

export class Story {
  readonly events: HistoryEvent[] = [];
  #ms = Date.UTC(2026, 10, 23, 8, 0, 0);

  /** Lets time pass. */
  after(ms: number): this {
    this.#ms += ms;
    return this;
  }

  get nowMs(): number {
    return this.#ms;
  }

  /** Adds an event and returns its id. */
  event(type: string, attributes: Attributes = {}, extra: Partial<HistoryEvent> = {}): number {
    const id = this.events.length + 1;
    this.events.push({
      eventId: String(id),
      eventTime: new Date(this.#ms).toISOString(),
      eventType: `EVENT_TYPE_${type}`,
      taskId: String(1_048_576 + id),
      [attributesKey(type)]: attributes,
      ...extra,
    });
    return id;
  }

  started(input: unknown = { order: 1 }): number {
    return this.event('WORKFLOW_EXECUTION_STARTED', {
      workflowType: { name: 'Order' },
      taskQueue: { name: 'orders' },
      input: payloads(input),
      attempt: 1,
    });
  }

  /** A workflow task from schedule to completion; returns the completion's id. */
  task(): number {
    const scheduled = this.event('WORKFLOW_TASK_SCHEDULED', {
      taskQueue: { name: 'orders' },
      attempt: 1,
    });
    const started = this.after(2).event('WORKFLOW_TASK_STARTED', {
      scheduledEventId: String(scheduled),
      identity: 'worker-1',
    });
    return this.after(3).event('WORKFLOW_TASK_COMPLETED', {
      scheduledEventId: String(scheduled),
      startedEventId: String(started),
      identity: 'worker-1',
    });
  }

  schedule(type: string, id: string, input: unknown = {}): number {
    return this.event('ACTIVITY_TASK_SCHEDULED', {
      activityId: id,
      activityType: { name: type },
      taskQueue: { name: 'orders' },
      input: payloads(input),
    });
  }

  /** An activity from schedule to completion; returns its first event's id. */
  activity(type: string, id: string, result: unknown = 'ok', attempt = 1): number {
    const scheduled = this.schedule(type, id);
    const started = this.after(10).event('ACTIVITY_TASK_STARTED', {
      scheduledEventId: String(scheduled),
      identity: 'worker-1',
      attempt,
    });
    this.after(40).event('ACTIVITY_TASK_COMPLETED', {
      scheduledEventId: String(scheduled),
      startedEventId: String(started),
      result: payloads(result),
    });
    return scheduled;
  }

  timer(id: string, seconds: number): number {
    return this.event('TIMER_STARTED', { timerId: id, startToFireTimeout: `${seconds}s` });
  }

  signal(name: string, input: unknown = {}): number {
    return this.event('WORKFLOW_EXECUTION_SIGNALED', {
      signalName: name,
      input: payloads(input),
      identity: 'operator',
    });
  }
}
