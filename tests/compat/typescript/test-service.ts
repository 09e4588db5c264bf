/* The service: attributes, lists, start options, histories, namespaces, environments. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Connection, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
} from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import Long from 'long';
import {
  TASK_QUEUE,
  keyword,
  int,
  EventType,
  client,
  bundle,
  start,
  run,
  failureOf,
  eventually,
  eventsOf,
  makeWorker,
  fast,
  type Extra,
} from './context';
import { test } from './harness';
import * as workflows from './workflows';

export function serviceTests(): void {
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
