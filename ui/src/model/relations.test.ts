import { describe, expect, it } from 'vitest';
import { familyRows, familyTrees, sameRun } from './family';
import { Story } from './fixtures';
import { HistoryLog } from './history';
import { jsonPayload } from './payloads';
import type { ExecutionInfo } from './proto';
import { cli } from './cli';
import { argumentTexts, namesInError, readArguments, readMetadata, resultText } from './queries';
import { otherQueues, workersOf } from './workers';

const run = (id: string, parent?: string, at = '1'): ExecutionInfo => ({
  execution: { workflowId: id, runId: `r-${id}` },
  startTime: at,
  ...(parent ? { parentExecution: { workflowId: parent, runId: `r-${parent}` } } : {}),
});

describe('family', () => {
  it('puts children under their parents, in the order of their start', () => {
    const trees = familyTrees([
      run('c2', 'root', '3'),
      run('root'),
      run('g', 'c1', '4'),
      run('c1', 'root', '2'),
      run('orphan', 'gone', '9'),
    ]);
    const shape = (closed: string[]) =>
      familyRows(trees, new Set(closed)).map((r) => `${r.depth} ${r.node.run.execution?.workflowId}`);
    expect(shape([])).toEqual(['0 root', '1 c1', '2 g', '1 c2', '0 orphan']);
    expect(shape(['r-root'])).toEqual(['0 root', '0 orphan']);
  });

  it('is not led round in circles', () => {
    expect(familyTrees([run('a', 'b'), run('b', 'a')])).toHaveLength(1);
    expect(familyTrees([run('a', 'a')])).toHaveLength(1);
    expect(sameRun(undefined, undefined)).toBe(false);
  });
});

describe('queries', () => {
  it('lists those that the SDK tells of', () => {
    const payload = jsonPayload(
      '{"definition":{"queryDefinitions":[{"name":"state","description":"where it is"},{"name":"__stack_trace"}]},"currentDetails":"ok"}',
    );
    expect(readMetadata({ payloads: [payload] })).toEqual({
      queries: [{ name: 'state', description: 'where it is' }],
      details: 'ok',
    });
    expect(readMetadata(undefined).queries).toEqual([]);
    expect(readMetadata({ payloads: [jsonPayload('no json')] }).queries).toEqual([]);
  });

  it('finds them in the errors of SDKs', () => {
    expect(namesInError('unknown queryType x. KnownQueryTypes=[state total __stack_trace]')).toEqual(['state', 'total']);
    expect(namesInError('Workflow did not register a handler for x. Registered queries: [state, total]')).toEqual([
      'state',
      'total',
    ]);
    expect(namesInError('no such thing')).toEqual([]);
  });

  it('reads arguments as they were typed', () => {
    const texts = (text: string) => {
      const read = readArguments(text);
      return 'payloads' in read ? read.payloads.map((p) => atob(p.data ?? '')) : read;
    };
    expect(texts('')).toEqual([]);
    expect(texts('{\n "a": 9007199254740993\n}')).toEqual(['{\n "a": 9007199254740993\n}']);
    expect(texts('1\n"two"\n\n[3]')).toEqual(['1', '"two"', '[3]']);
    expect(texts('1\ntwo')).toEqual({ badLine: 2 });
    expect(resultText({ payloads: [jsonPayload('"a\\nb"')] })).toBe('a\nb');
    expect(resultText({ payloads: [jsonPayload('{"a":1}')] })).toBe('{"a":1}');
    expect(resultText(undefined)).toBe('');
  });
});

describe('workers', () => {
  it('counts what each took, and finds other queues', () => {
    const s = new Story();
    s.started();
    s.task();
    s.activity('charge', '1');
    s.event('ACTIVITY_TASK_SCHEDULED', { activityId: '2', taskQueue: { name: 'gpu' } });
    const log = new HistoryLog();
    log.add(s.events);
    expect(workersOf(log)).toEqual([
      { identity: 'worker-1', tasks: 1, activities: 1, lastMs: expect.any(Number) as number },
    ]);
    expect(otherQueues(log, 'orders')).toEqual(['gpu']);
  });
});

it('the command line gets a flag for each argument of a query', () => {
  expect(argumentTexts('19\n\n 23 ')).toEqual(['19', '23']);
  expect(argumentTexts('{\n"a": 1\n}')).toEqual(['{\n"a": 1\n}']);
  expect(argumentTexts('')).toEqual([]);
  const command = cli.query({ namespace: 'default', workflowId: 'w' }, 'total', argumentTexts('19\n23'));
  expect(command).toContain('--input 19');
  expect(command).toContain('--input 23');
});
