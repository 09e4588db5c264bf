/* Activities, local activities, asynchronous completion. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as activities from './activities';
import {
  EventType,
  client,
  start,
  run,
  eventually,
  sleep,
  eventsOf,
  cancelStarted,
  fast,
  once,
} from './context';
import { test } from './harness';
import * as workflows from './workflows';

export function activityTests(): void {
  /* Activities: options, activity, arguments, outcome. */
  const failed = 'ActivityFailure';
  const table: [string, Record<string, unknown>, string, unknown[], unknown][] = [
    ['a result comes back', {}, 'echo', [{ a: [1, null, 'x'] }], { a: [1, null, 'x'] }],
    ['retries until it succeeds', fast, 'failTimes', [2], 3],
    ['the next retry delay of a failure counts', fast, 'failTimes', [1, 300], 2],
    [
      'maximum attempts end it',
      { retry: { ...fast.retry, maximumAttempts: 2 } },
      'failTimes',
      [9],
      `${failed} MAXIMUM_ATTEMPTS_REACHED < ApplicationFailure Flaky`,
    ],
    [
      'a non-retryable failure ends it',
      fast,
      'failForGood',
      ['Final'],
      `${failed} NON_RETRYABLE_FAILURE < ApplicationFailure Final`,
    ],
    [
      'a non-retryable type ends it',
      { retry: { ...fast.retry, nonRetryableErrorTypes: ['Flaky'] } },
      'failTimes',
      [9],
      `${failed} NON_RETRYABLE_FAILURE < ApplicationFailure Flaky`,
    ],
    [
      'an unknown activity fails',
      once,
      'nobodyKnows',
      [],
      `${failed} MAXIMUM_ATTEMPTS_REACHED < ApplicationFailure NotFoundError`,
    ],
    [
      'start-to-close timeout',
      { ...once, startToCloseTimeout: 300 },
      'hang',
      [],
      `${failed} MAXIMUM_ATTEMPTS_REACHED < TimeoutFailure START_TO_CLOSE`,
    ],
    [
      'schedule-to-start timeout',
      { scheduleToStartTimeout: 300, taskQueue: 'nobody' },
      'echo',
      [],
      `${failed} TIMEOUT < TimeoutFailure SCHEDULE_TO_START`,
    ],
    [
      'schedule-to-close timeout',
      { ...fast, scheduleToCloseTimeout: 4000 },
      'hang',
      [],
      `${failed} TIMEOUT < TimeoutFailure SCHEDULE_TO_CLOSE`,
    ],
    [
      'schedule-to-close bounds the wait for a worker',
      { scheduleToCloseTimeout: 300, taskQueue: 'nobody' },
      'echo',
      [],
      `${failed} TIMEOUT < TimeoutFailure SCHEDULE_TO_START`,
    ],
    [
      'heartbeat timeout',
      { ...once, heartbeatTimeout: 300 },
      'hang',
      [],
      `${failed} MAXIMUM_ATTEMPTS_REACHED < TimeoutFailure HEARTBEAT`,
    ],
    [
      'heartbeat details reach the next attempt',
      { ...fast, heartbeatTimeout: 5000 },
      'heartbeatAndFail',
      [],
      { reached: 'half way' },
    ],
  ];
  for (const [name, options, activity, args, outcome] of table)
    test(`activities: ${name}`, async () => {
      assert.deepEqual(await run(workflows.call, [options, activity, ...args]), outcome);
    });

  test('activities: a hundred at once', async () => {
    assert.equal(await run(workflows.callMany, [100]), 4950);
  });

  test('activities: an attempt is one event in history', async () => {
    const handle = await start(workflows.call, [fast, 'failTimes', 2]);
    assert.equal(await handle.result(), 3);
    assert.equal(await eventsOf(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED), 1);
    const { events } = await handle.fetchHistory();
    const started = events?.map((e) => e.activityTaskStartedEventAttributes).find((a) => a);
    assert.equal(started?.attempt, 3);
    assert.equal(started?.lastFailure?.message, 'attempt 2');
  });

  test('activities: a pending one is described', async () => {
    const options = { retry: { initialInterval: 60_000 } };
    const handle = await start(workflows.call, [options, 'failTimes', 1]);
    const [pending] = await eventually(
      async () => (await handle.describe()).raw.pendingActivities ?? [],
      (all) => all.length === 1 && all[0].attempt === 2
    );
    assert.equal(pending.activityType?.name, 'failTimes');
    assert.equal(pending.lastFailure?.message, 'attempt 1');
    await handle.terminate();
  });

  for (const [type, outcome] of [
    ['WAIT_CANCELLATION_COMPLETED', 'tidied up'],
    ['TRY_CANCEL', 'ActivityFailure CANCEL_REQUESTED < CancelledFailure'],
    ['ABANDON', 'ActivityFailure CANCEL_REQUESTED < CancelledFailure'],
  ])
    test(`activities: cancelled, ${type}`, async () => {
      const result = (await cancelStarted(type)) as string;
      assert.equal(
        result.replace(/RETRY_STATE_UNSPECIFIED|undefined/, 'CANCEL_REQUESTED'),
        outcome
      );
    });

  const local: typeof table = [
    ['a result comes back', {}, 'echo', ['here'], 'here'],
    ['retries until it succeeds', fast, 'failTimes', [2], 3],
    [
      'retries by a timer when the wait is long',
      { retry: { initialInterval: 500 }, localRetryThreshold: 100 },
      'failTimes',
      [1],
      2,
    ],
    ['a non-retryable failure ends it', fast, 'failForGood', ['Final'], 'ApplicationFailure Final'],
  ];
  for (const [name, options, activity, args, outcome] of local)
    test(`local activities: ${name}`, async () => {
      const handle = await start(workflows.callLocal, [options, activity, ...args]);
      assert.deepEqual(await handle.result(), outcome);
      assert(await eventsOf(handle, EventType.EVENT_TYPE_MARKER_RECORDED));
    });

  /* Asynchronous completion: what happens to the activity, and how the workflow sees it. */
  const byToken: [string, (token: Uint8Array) => Promise<void>, string][] = [
    ['complete', (token) => client.activity.complete(token, 'done outside'), 'done outside'],
    [
      'fail',
      (token) => client.activity.fail(token, new Error('failed outside')),
      `${failed} MAXIMUM_ATTEMPTS_REACHED < ApplicationFailure Error`,
    ],
    [
      'heartbeat and complete',
      async (token) => {
        await client.activity.heartbeat(token, 1);
        await client.activity.complete(token, 'still alive');
      },
      'still alive',
    ],
  ];
  for (const [name, finish, outcome] of byToken)
    test(`async completion: ${name} by token`, async () => {
      const key = randomUUID();
      const handle = await start(workflows.call, [once, 'handOver', key]);
      const { token } = (await eventually(
        async () => activities.handedOver.get(key),
        (x) => !!x
      ))!;
      await sleep(200); // the answer "will complete asynchronously" is on its way
      await finish(token);
      assert.equal(await handle.result(), outcome);
    });

  test('async completion: complete by id', async () => {
    const key = randomUUID();
    const handle = await start(workflows.call, [once, 'handOver', key]);
    const { activityId } = (await eventually(
      async () => activities.handedOver.get(key),
      (x) => !!x
    ))!;
    await sleep(200);
    const { workflowId } = handle;
    await client.activity.complete({ workflowId, activityId }, 'by id');
    assert.equal(await handle.result(), 'by id');
    await assert.rejects(
      client.activity.complete({ workflowId, activityId }, 'twice'),
      /[Nn]ot.?[Ff]ound/
    );
  });
}
