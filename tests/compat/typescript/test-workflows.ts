/* Workflows: cancellation, time, children, runs that follow runs, signals, queries. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  TASK_QUEUE,
  EventType,
  client,
  start,
  run,
  failureOf,
  eventually,
  statusOf,
  eventsOf,
  once,
} from './context';
import { test } from './harness';
import * as workflows from './workflows';

export function workflowTests(): void {
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
}
