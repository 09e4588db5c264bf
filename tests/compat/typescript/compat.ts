/*
 * What an application sees of the server through the published TypeScript SDK, a test a row.
 * TEMPORAL_ADDRESS is a server with the namespace `default` and the search attributes CompatKeyword,
 * CompatInt and CompatText; COMPAT_SERVER the program that TestWorkflowEnvironment may launch.
 * The same file passes against Temporal's own dev server, which is what makes its expectations
 * facts. An argument is a regular expression over the names of the tests.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type WorkflowHandle,
  type WorkflowStartOptions,
} from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
} from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import Long from 'long';
import * as activities from './activities';
import { runTests, test } from './harness';
import * as workflows from './workflows';

const TASK_QUEUE = `compat-${randomUUID()}`;
const keyword = defineSearchAttributeKey('CompatKeyword', SearchAttributeType.KEYWORD);
const int = defineSearchAttributeKey('CompatInt', SearchAttributeType.INT);
const EventType = temporal.api.enums.v1.EventType;

let client: Client;
let bundle: { code: string };

type Flow = (...args: any[]) => Promise<any>;
type Extra = Partial<WorkflowStartOptions>;

async function start(type: Flow | string, args: unknown[] = [], extra: Extra = {}) {
  const options = { taskQueue: TASK_QUEUE, workflowId: randomUUID(), args, ...extra };
  return await client.workflow.start(type as Flow, options as WorkflowStartOptions<Flow>);
}

async function run(type: Flow | string, args: unknown[] = [], extra: Extra = {}): Promise<unknown> {
  return await (await start(type, args, extra)).result();
}

/** The messages of a failed workflow's error and of its causes. */
async function failureOf(handle: WorkflowHandle): Promise<string> {
  try {
    await handle.result();
  } catch (err) {
    assert(err instanceof WorkflowFailedError, `${err}`);
    const parts: string[] = [];
    for (let at = err.cause; at; at = at.cause as Error | undefined)
      parts.push(`${at.name}: ${at.message}`);
    return parts.join(' < ');
  }
  return 'no failure';
}

async function eventually<T>(what: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 20_000; ; ) {
    const value = await what();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(value)} after 20 s`);
    await sleep(100);
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const statusOf = async (id: string) => (await client.workflow.getHandle(id).describe()).status.name;

async function eventsOf(handle: WorkflowHandle, type: number): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => event.eventType === type).length;
}

/** Runs cancelActivity, and tells it to cancel once a worker has the activity. */
async function cancelStarted(type: string): Promise<unknown> {
  const handle = await start(workflows.cancelActivity, [type]);
  await eventually(
    async () => (await handle.describe()).raw.pendingActivities ?? [],
    ([one]) =>
      one?.state === temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
  );
  await handle.signal(workflows.go);
  return await handle.result();
}

function defineTests(): void {
  /* Activities: options, activity, arguments, outcome. */
  const once = { retry: { maximumAttempts: 1 } };
  const fast = { retry: { initialInterval: 50, backoffCoefficient: 1 } };
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
      { ...fast, scheduleToCloseTimeout: 600 },
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

  /* Cancellation, termination, time. */
  for (const [how, status] of [
    ['plain', 'CANCELLED'],
    ['cleanup', 'CANCELLED'],
    ['swallow', 'COMPLETED'],
  ])
    test(`cancellation: of a workflow (${how})`, async () => {
      const handle = await start(workflows.block, [how]);
      await handle.cancel();
      await handle.result().catch(() => undefined);
      assert.equal(await statusOf(handle.workflowId), status);
    });

  test('cancellation: of a closed workflow changes nothing, of an unknown one fails', async () => {
    const handle = await start(workflows.ticks);
    await handle.result();
    await handle.cancel();
    assert.equal(await statusOf(handle.workflowId), 'COMPLETED');
    await assert.rejects(client.workflow.getHandle(randomUUID()).cancel(), WorkflowNotFoundError);
  });

  test('cancellation: terminate', async () => {
    const handle = await start(workflows.block);
    await handle.terminate('enough');
    assert.match(await failureOf(handle), /TerminatedFailure: enough/);
    assert.equal(await statusOf(handle.workflowId), 'TERMINATED');
  });

  test('timers: fire in order, are cancelled', async () => {
    const handle = await start(workflows.timers);
    const log = ['0', '100', '300', 'cancelled', 'condition timed out'];
    assert.deepEqual(await handle.result(), log);
    assert.equal(await eventsOf(handle, EventType.EVENT_TYPE_TIMER_CANCELED), 1);
  });

  test('timers: two hundred at once', async () => {
    assert.equal(await run(workflows.manyTimers, [200]), 200);
  });

  for (const timeout of ['workflowRunTimeout', 'workflowExecutionTimeout'])
    test(`timers: ${timeout}`, async () => {
      const handle = await start(workflows.block, [], { [timeout]: 500 });
      assert.match(await failureOf(handle), /TimeoutFailure/);
      assert.equal(await statusOf(handle.workflowId), 'TIMED_OUT');
    });

  test('workflow tasks: a task that fails is tried again', async () => {
    const handle = await start(workflows.stumble);
    assert.equal(await handle.result(), 'recovered');
    assert.equal(await eventsOf(handle, EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED), 1);
  });

  test('workflow tasks: a failed workflow', async () => {
    const handle = await start(workflows.failWith, ['no luck']);
    assert.match(await failureOf(handle), /ApplicationFailure: no luck/);
  });

  /* Children. */
  const childTable: [string, object, string, unknown[], unknown][] = [
    ['a result comes back', {}, 'call', [{}, 'echo', 'hi'], 'hi'],
    [
      'a failure comes back',
      {},
      'failWith',
      ['x'],
      'ChildWorkflowFailure RETRY_POLICY_NOT_SET < ApplicationFailure Told',
    ],
    [
      'retries',
      { retry: { maximumAttempts: 3, initialInterval: 50 } },
      'failRuns',
      [2],
      [3, 'run 2'],
    ],
    ['continues as new', {}, 'countDown', [2], [2, 1]],
    [
      'times out',
      { workflowRunTimeout: 300 },
      'block',
      [],
      'ChildWorkflowFailure RETRY_POLICY_NOT_SET < TimeoutFailure START_TO_CLOSE',
    ],
  ];
  for (const [name, options, type, args, outcome] of childTable)
    test(`child workflows: ${name}`, async () => {
      assert.deepEqual(await run(workflows.child, [options, type, ...args]), outcome);
    });

  test('child workflows: parent and root are known', async () => {
    const handle = await start(workflows.child, [{}, 'child', {}, 'facts']);
    const facts = (await handle.result()) as Record<string, string>;
    assert.equal(facts.root, handle.workflowId);
    assert.notEqual(facts.parent, handle.workflowId);
  });

  for (const [policy, status] of [
    ['TERMINATE', 'TERMINATED'],
    ['ABANDON', 'RUNNING'],
    ['REQUEST_CANCEL', 'CANCELLED'],
  ])
    test(`child workflows: parent close policy ${policy}`, async () => {
      const id = randomUUID();
      await run(workflows.leaveChild, [id, policy]);
      await eventually(
        () => statusOf(id),
        (now) => now === status
      );
      if (status === 'RUNNING') await client.workflow.getHandle(id).terminate();
    });

  test('child workflows: terminating the parent counts as its close', async () => {
    const id = randomUUID();
    const options = { workflowId: id, parentClosePolicy: 'TERMINATE' };
    const parent = await start(workflows.child, [options, 'block']);
    await eventually(
      () => statusOf(id).catch(() => ''),
      (now) => now === 'RUNNING'
    );
    await parent.terminate();
    await eventually(
      () => statusOf(id),
      (now) => now === 'TERMINATED'
    );
  });

  test('child workflows: cancelled, signalled, refused a taken id', async () => {
    const id = randomUUID();
    assert.match((await run(workflows.cancelChild, [id])) as string, /CancelledFailure/);
    assert.deepEqual(await run(workflows.signalChild, [randomUUID()]), ['one', 'two']);
    const taken = await start(workflows.block);
    const outcome = await run(workflows.child, [{ workflowId: taken.workflowId }, 'block']);
    assert.equal(outcome, 'WorkflowExecutionAlreadyStartedError');
    await taken.terminate();
  });

  /* Runs that follow runs. */
  test('continue-as-new: the result is that of the last run', async () => {
    const handle = await start(workflows.countDown, [3]);
    assert.deepEqual(await handle.result(), [3, 2, 1]);
    const first = client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId, {
      followRuns: false,
    });
    await assert.rejects(first.result(), /continued as new/i);
    assert.equal((await first.describe()).status.name, 'CONTINUED_AS_NEW');
  });

  test('continue-as-new: as another type, with memo', async () => {
    const handle = await start(workflows.becomeOther, ['baggage']);
    assert.equal(await handle.result(), 'after baggage');
    const now = await handle.describe();
    assert.deepEqual([now.type, now.memo], ['call', { left: 'baggage' }]);
  });

  test('cron and retry: a cron ticks and remembers', async () => {
    const handle = await start(workflows.ticks, [], { cronSchedule: '@every 1s' });
    const closed = `WorkflowId = '${handle.workflowId}' AND ExecutionStatus != 'Running'`;
    await eventually(
      async () => (await client.workflow.count(closed)).count,
      (count) => count >= 2
    );
    await client.workflow.getHandle(handle.workflowId).terminate();
    const results = [];
    for await (const one of client.workflow.list({
      query: `WorkflowId = '${handle.workflowId}'`,
    })) {
      const run = client.workflow.getHandle(handle.workflowId, one.runId, { followRuns: false });
      const { events } = await run.fetchHistory();
      const done = events?.at(-1)?.workflowExecutionCompletedEventAttributes;
      if (done) results.push(Number(Buffer.from(done.result!.payloads![0].data!).toString()));
    }
    assert.deepEqual(results.slice(-2).sort(), [1, 2]);
  });

  test('cron and retry: a workflow with a retry policy', async () => {
    const retry = { initialInterval: 100, maximumAttempts: 3 };
    assert.deepEqual(await run(workflows.failRuns, [2], { retry }), [3, 'run 2']);
    const handle = await start(workflows.failRuns, [9], { retry });
    assert.match(await failureOf(handle), /run 3/);
  });

  /* Signals. */
  test('signals: arrive in order, each once', async () => {
    const handle = await start(workflows.collect, [30]);
    for (let i = 0; i < 30; i++) await handle.signal(workflows.go, i);
    assert.deepEqual(
      await handle.result(),
      Array.from({ length: 30 }, (_, i) => i)
    );
  });

  test('signals: signal-with-start starts, then signals', async () => {
    const options = {
      taskQueue: TASK_QUEUE,
      workflowId: randomUUID(),
      args: [2] as [number],
      signal: workflows.go,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    } as const;
    const one = await client.workflow.signalWithStart(workflows.collect, {
      ...options,
      signalArgs: ['first'],
    });
    const two = await client.workflow.signalWithStart(workflows.collect, {
      ...options,
      signalArgs: ['second'],
    });
    assert.equal(one.signaledRunId, two.signaledRunId);
    assert.deepEqual(await one.result(), ['first', 'second']);
    const three = await client.workflow.signalWithStart(workflows.collect, {
      ...options,
      signalArgs: ['third'],
    });
    assert.notEqual(three.signaledRunId, one.signaledRunId);
    await three.terminate();
  });

  test('signals: from another workflow', async () => {
    const target = await start(workflows.collect, [1]);
    assert.equal(await run(workflows.signalOther, [target.workflowId]), 'signalled');
    assert.deepEqual(await target.result(), ['from outside']);
    assert.equal(await run(workflows.signalOther, [randomUUID()]), 'ApplicationFailure');
  });

  test('signals: cancel from another workflow', async () => {
    const target = await start(workflows.block);
    assert.equal(await run(workflows.cancelOther, [target.workflowId]), 'cancelled');
    assert.match(await failureOf(target), /CancelledFailure/);
    assert.equal(await run(workflows.cancelOther, [randomUUID()]), 'ApplicationFailure');
  });

  test('signals: to a closed workflow', async () => {
    const handle = await start(workflows.ticks);
    await handle.result();
    await assert.rejects(handle.signal(workflows.go), WorkflowNotFoundError);
  });

  /* Queries. */
  test('queries: live, after the close, with an error, unknown', async () => {
    const handle = await start(workflows.collect, [2]);
    assert.deepEqual(await handle.query(workflows.seen), []);
    await handle.signal(workflows.go, 'a');
    assert.deepEqual(await handle.query(workflows.seen), ['a']);
    await assert.rejects(handle.query(workflows.fail), /the query fails/);
    await assert.rejects(handle.query('unheard of'), /did not register a handler/);
    assert.match(String(await handle.query('__stack_trace')), /workflows\.ts/);
    await handle.signal(workflows.go, 'b');
    await handle.result();
    assert.deepEqual(await handle.query(workflows.seen), ['a', 'b']);
  });

  test('queries: many at once see the same state', async () => {
    const handle = await start(workflows.collect, [2]);
    await handle.signal(workflows.go, 'a');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => handle.query(workflows.seen))
    );
    for (const answer of answers) assert.deepEqual(answer, ['a']);
    await handle.terminate();
  });

  test('queries: rejected by status', async () => {
    const handle = await start(workflows.collect, [0]);
    await handle.result();
    const picky = new Client({
      connection: client.connection,
      workflow: { queryRejectCondition: 'NOT_OPEN' },
    });
    await assert.rejects(
      picky.workflow.getHandle(handle.workflowId).query(workflows.seen),
      /rejected/i
    );
  });

  /* Memo, search attributes, lists. */
  test('memo and search attributes: at start and upserted', async () => {
    const handle = await start(workflows.upsert, [[{ key: int, value: 7 }], { b: 2, a: null }], {
      memo: { a: 1, c: 3 },
      typedSearchAttributes: [{ key: keyword, value: 'start' }],
    });
    assert.deepEqual(await handle.result(), { b: 2, c: 3 });
    const { memo, typedSearchAttributes } = await handle.describe();
    assert.deepEqual(memo, { b: 2, c: 3 });
    assert.equal(typedSearchAttributes.get(keyword), 'start');
    assert.equal(typedSearchAttributes.get(int), 7);
    assert(typedSearchAttributes instanceof TypedSearchAttributes);
  });

  test('memo and search attributes: an unknown one is refused', async () => {
    const unknown = defineSearchAttributeKey('CompatUnheardOf', SearchAttributeType.INT);
    const extra = { typedSearchAttributes: [{ key: unknown, value: 1 }] };
    await assert.rejects(start(workflows.ticks, [], extra), (err: Error) =>
      /CompatUnheardOf/.test(`${err} ${err.cause}`)
    );
  });

  test('lists: filters, order, pages, counts', async () => {
    const mark = randomUUID();
    const handles = [];
    for (let i = 0; i < 5; i++)
      handles.push(
        await start(i < 3 ? workflows.ticks : workflows.block, [], {
          typedSearchAttributes: [
            { key: keyword, value: mark },
            { key: int, value: i },
          ],
        })
      );
    await Promise.all(handles.slice(0, 3).map((handle) => handle.result()));
    const mine = `CompatKeyword = '${mark}'`;
    const count = async (query: string) => (await client.workflow.count(query)).count;
    await eventually(
      () => count(`${mine} AND ExecutionStatus = 'Completed'`),
      (n) => n === 3
    );
    for (const [filter, expected] of [
      ["ExecutionStatus = 'Running'", 2],
      ["ExecutionStatus IN ('Running', 'Completed')", 5],
      ["WorkflowType = 'block'", 2],
      ['CompatInt >= 1 AND CompatInt < 4', 3],
      ['CompatInt BETWEEN 2 AND 3', 2],
      ['CompatInt IN (0, 4) OR CompatInt = 2', 3],
      ["NOT WorkflowType = 'block'", 3],
      ['CloseTime IS NULL', 2],
      [`WorkflowId = '${handles[0].workflowId}'`, 1],
      [`StartTime > '2020-01-01T00:00:00Z'`, 5],
      [`StartTime < '2020-01-01T00:00:00Z'`, 0],
      [`WorkflowId STARTS_WITH '${handles[0].workflowId.slice(0, 30)}'`, 1],
      [`TaskQueue = '${TASK_QUEUE}'`, 5],
    ] as [string, number][])
      assert.equal(await count(`${mine} AND (${filter})`), expected, filter);

    const groups = await client.workflow.count(`${mine} GROUP BY ExecutionStatus`);
    const table = groups.groups.map((group) => `${group.groupValues[0]} ${group.count}`);
    assert.deepEqual(table.sort(), ['Completed 3', 'Running 2']);

    const listed = new Set<string>();
    for await (const one of client.workflow.list({ query: mine, pageSize: 2 }))
      listed.add(one.workflowId);
    assert.deepEqual([...listed].sort(), handles.map((handle) => handle.workflowId).sort());
    await Promise.all(handles.slice(3).map((handle) => handle.terminate()));
  });

  test('lists: an invalid filter is explained', async () => {
    for (const query of ['this is = not', "NoSuchField = 'x'", "ExecutionStatus = 'Sleeping'"])
      await assert.rejects(client.workflow.count(query), (err: Error) =>
        /INVALID_ARGUMENT/.test(`${err} ${err.cause}`)
      );
  });

  /* Start options. */
  test('start options: an open id is taken', async () => {
    const handle = await start(workflows.block);
    const { workflowId } = handle;
    await assert.rejects(
      start(workflows.block, [], { workflowId }),
      WorkflowExecutionAlreadyStartedError
    );
    const same = await start(workflows.block, [], {
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    assert.equal(same.firstExecutionRunId, handle.firstExecutionRunId);
    const next = await start(workflows.block, [], {
      workflowId,
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
    });
    assert.notEqual(next.firstExecutionRunId, handle.firstExecutionRunId);
    const old = client.workflow.getHandle(workflowId, handle.firstExecutionRunId);
    assert.equal((await old.describe()).status.name, 'TERMINATED');
    await next.terminate();
  });

  test('start options: a closed id is reused as the policy says', async () => {
    const { workflowId } = await start(workflows.ticks);
    await client.workflow.getHandle(workflowId).result();
    const taken = WorkflowExecutionAlreadyStartedError;
    const policy = (workflowIdReusePolicy: Extra['workflowIdReusePolicy']) =>
      start(workflows.failWith, ['x'], { workflowId, workflowIdReusePolicy });
    await assert.rejects(policy('REJECT_DUPLICATE'), taken);
    await assert.rejects(policy('ALLOW_DUPLICATE_FAILED_ONLY'), taken);
    await failureOf(await policy('ALLOW_DUPLICATE'));
    await failureOf(await policy('ALLOW_DUPLICATE_FAILED_ONLY'));
  });

  test('start options: start delay', async () => {
    const began = Date.now();
    const handle = await start(workflows.ticks, [], { startDelay: 1000 });
    await handle.result();
    assert(Date.now() - began >= 950, `${Date.now() - began} ms`);
    const hastened = await start(workflows.collect, [1], { startDelay: '1 hour' });
    await client.workflow.signalWithStart(workflows.collect, {
      taskQueue: TASK_QUEUE,
      workflowId: hastened.workflowId,
      args: [1],
      signal: workflows.go,
      signalArgs: ['now'],
    });
    await hastened.terminate();
  });

  test('start options: timeouts and identity reach the workflow', async () => {
    const facts = (await run(workflows.facts, [], {
      workflowExecutionTimeout: '2 minutes',
      workflowRunTimeout: '1 minute',
    })) as Record<string, unknown>;
    assert.equal(facts.taskQueue, TASK_QUEUE);
    assert.equal(facts.namespace, 'default');
    assert.equal(facts.executionTimeoutMs, 120_000);
    assert.equal(facts.runTimeoutMs, 60_000);
    assert.equal(facts.attempt, 1);
  });

  test('start options: summary and details are kept', async () => {
    const handle = await start(workflows.ticks, [], {
      staticSummary: 'in short',
      staticDetails: 'at length',
    });
    const description = await handle.describe();
    assert.equal(await description.staticSummary(), 'in short');
    assert.equal(await description.staticDetails(), 'at length');
  });

  test('start options: one request id starts one run', async () => {
    const request = {
      namespace: 'default',
      workflowId: randomUUID(),
      workflowType: { name: 'block' },
      taskQueue: { name: TASK_QUEUE },
      requestId: randomUUID(),
    };
    const service = client.workflowService;
    const one = await service.startWorkflowExecution(request);
    const two = await service.startWorkflowExecution(request);
    assert.equal(one.runId, two.runId);
    await client.workflow.getHandle(request.workflowId).terminate();
  });

  /* Versions and replay. */
  test('versioning: a patch is a marker', async () => {
    const handle = await start(workflows.versioned);
    assert.equal(await handle.result(), 'new');
    assert.equal(await eventsOf(handle, EventType.EVENT_TYPE_MARKER_RECORDED), 2);
  });

  test('replay: a fetched history replays', async () => {
    const ended = [
      await start(workflows.versioned),
      await start(workflows.timers),
      await start(workflows.call, [fast, 'failTimes', 1]),
      await start(workflows.child, [{}, 'ticks']),
    ];
    for (const handle of ended) {
      await handle.result();
      await Worker.runReplayHistory(
        { workflowBundle: bundle },
        await handle.fetchHistory(),
        handle.workflowId
      );
    }
  });

  test('replay: other code is found out', async () => {
    const handle = await start(workflows.manyTimers, [2]);
    await handle.result();
    const history = await handle.fetchHistory();
    history.events![0].workflowExecutionStartedEventAttributes!.workflowType!.name = 'versioned';
    await assert.rejects(
      Worker.runReplayHistory({ workflowBundle: bundle }, history, handle.workflowId),
      /[Nn]on-?[Dd]eterminism|DeterminismViolation/
    );
  });

  test('history: pages, and from its end', async () => {
    const handle = await start(workflows.manyTimers, [20]);
    await handle.result();
    const service = client.workflowService;
    const request = {
      namespace: 'default',
      execution: { workflowId: handle.workflowId },
      maximumPageSize: 5,
    };
    for (const [fetch, reverse] of [
      [
        (token: Uint8Array) =>
          service.getWorkflowExecutionHistory({ ...request, nextPageToken: token }),
        false,
      ],
      [
        (token: Uint8Array) =>
          service.getWorkflowExecutionHistoryReverse({ ...request, nextPageToken: token }),
        true,
      ],
    ] as const) {
      const ids: number[] = [];
      let pages = 0;
      for (let token: Uint8Array = new Uint8Array(); ; pages++) {
        const page = await fetch(token);
        ids.push(...(page.history?.events ?? []).map((event) => Number(event.eventId)));
        token = page.nextPageToken as Uint8Array;
        if (!token?.length) break;
      }
      if (reverse) ids.reverse();
      assert.deepEqual(
        ids,
        Array.from({ length: ids.length }, (_, i) => i + 1)
      );
      assert(ids.length > 40 && pages >= 1, `${ids.length} events in ${pages + 1} pages`);
    }
  });

  test('history: a long poll waits for the close', async () => {
    const handle = await start(workflows.collect, [1]);
    const poll = client.workflowService.getWorkflowExecutionHistory({
      namespace: 'default',
      execution: { workflowId: handle.workflowId },
      waitNewEvent: true,
      historyEventFilterType:
        temporal.api.enums.v1.HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
    });
    await handle.signal(workflows.go, 'x');
    const { history } = await poll;
    assert.equal(history?.events?.length, 1);
    assert.equal(history?.events?.[0].eventType, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  });

  test('namespaces: register, describe, update, list, delete', async () => {
    const namespace = `compat-${randomUUID().slice(0, 8)}`;
    const service = client.workflowService;
    const request = {
      namespace,
      description: 'one',
      workflowExecutionRetentionPeriod: { seconds: Long.fromNumber(86_400 * 3) },
    };
    await service.registerNamespace(request);
    await assert.rejects(service.registerNamespace(request), /ALREADY_EXISTS/);
    const found = await eventually(
      () => service.describeNamespace({ namespace }).catch(() => undefined),
      (reply) => !!reply
    );
    assert.equal(found?.namespaceInfo?.description, 'one');
    assert.equal(Number(found?.config?.workflowExecutionRetentionTtl?.seconds), 86_400 * 3);
    await service.updateNamespace({ namespace, updateInfo: { description: 'two' } });
    const after = await service.describeNamespace({ namespace });
    assert.equal(after.namespaceInfo?.description, 'two');
    const all = await service.listNamespaces({ pageSize: 100 });
    assert(all.namespaces?.some((one) => one.namespaceInfo?.name === namespace));
    await (client.connection as Connection).operatorService.deleteNamespace({ namespace });
    await eventually(
      () =>
        service.describeNamespace({ namespace }).then(
          () => 'there',
          () => 'gone'
        ),
      (state) => state === 'gone'
    );
    await assert.rejects(
      service.describeNamespace({ namespace: 'no-such-namespace' }),
      /NOT_FOUND/
    );
  });

  test('limits: a payload over the limit is refused, the SDK-launched server runs a workflow', async () => {
    const path = process.env.COMPAT_SERVER;
    assert(path, 'COMPAT_SERVER names no program');
    const env = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        extraArgs: [
          ...['--dynamic-config-value', 'limit.blobSize.error=10240'],
          ...['--dynamic-config-value', 'limit.blobSize.warn=2048'],
        ],
      },
    });
    try {
      const worker = await makeWorker(env.nativeConnection);
      await worker.runUntil(async () => {
        const options = { taskQueue: TASK_QUEUE, workflowId: randomUUID() };
        const fine = await env.client.workflow.execute(workflows.bytes, {
          ...options,
          args: [5000],
        });
        assert.equal(fine.length, 5000);
        const large = 'x'.repeat(20_000);
        const refused = env.client.workflow.start(workflows.call, {
          ...options,
          args: [{}, 'echo', large],
        });
        await assert.rejects(refused, (err: Error) =>
          /[Bb]lob data size|exceed/.test(`${err} ${err.cause}`)
        );
      });
    } finally {
      await env.teardown();
    }
  });
}

async function makeWorker(connection: NativeConnection): Promise<Worker> {
  return await Worker.create({
    connection,
    taskQueue: TASK_QUEUE,
    workflowBundle: bundle,
    activities,
    shutdownGraceTime: '1 second',
    shutdownForceTime: '5 seconds',
    maxHeartbeatThrottleInterval: '200 milliseconds',
    defaultHeartbeatThrottleInterval: '200 milliseconds',
  });
}

async function main(): Promise<void> {
  const address = process.env.TEMPORAL_ADDRESS ?? '127.0.0.1:7233';
  const logger = new DefaultLogger('ERROR', () => undefined);
  Runtime.install({ logger });
  client = new Client({ connection: await Connection.connect({ address }) });
  bundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./workflows'), logger });
  const native = await NativeConnection.connect({ address });
  const worker = await makeWorker(native);
  defineTests();
  await worker.runUntil(runTests(new RegExp(process.argv[2] ?? '.')));
  await native.close();
  await client.connection.close();
}

main().then(
  () => process.exit(0),
  (err) => {
    console.error(err);
    process.exit(1);
  }
);
