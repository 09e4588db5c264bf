import { expect, it } from 'vitest';
import { jsonPayload } from './payloads';
import { attributeJson, emptyStart, likeStarted, problems, startCommand, startRequest } from './start';

const known = [
  { name: 'Customer', type: 'Keyword' },
  { name: 'Count', type: 'Int' },
  { name: 'Tags', type: 'KeywordList' },
  { name: 'When', type: 'Datetime' },
  { name: 'Share', type: 'Double' },
  { name: 'Vip', type: 'Bool' },
] as const;

const full = () => ({
  ...emptyStart(),
  type: 'Order',
  taskQueue: 'orders',
  inputs: ['{"id":9007199254740993}', '2'],
  reusePolicy: 'REJECT_DUPLICATE',
  conflictPolicy: 'USE_EXISTING',
  executionTimeout: '1h',
  runTimeout: '90s',
  taskTimeout: '10s',
  cron: '0 8 * * *',
  delay: '250ms',
  retry: { on: true, initial: '1s', backoff: '2', maximum: '1m', attempts: '5', nonRetryable: 'Bad, Worse' },
  memo: [{ key: 'note', value: '"x"' }, { key: '', value: '' }],
  searchAttributes: [{ key: 'Customer', value: 'Ada' }, { key: 'Count', value: '3' }],
  headers: [{ key: 'trace', value: '"t"' }],
  summary: 'An order',
  details: 'of Ada',
  priority: '2',
  fairnessKey: 'ada',
  fairnessWeight: '1.5',
});

it('makes the request', () => {
  expect(startRequest(full(), 'o-1', false, known)).toEqual({
    workflowId: 'o-1',
    workflowType: { name: 'Order' },
    taskQueue: { name: 'orders' },
    input: { payloads: [jsonPayload('{"id":9007199254740993}'), jsonPayload('2')] },
    workflowExecutionTimeout: '3600s',
    workflowRunTimeout: '90s',
    workflowTaskTimeout: '10s',
    workflowIdReusePolicy: 'WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING',
    retryPolicy: {
      initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '60s', maximumAttempts: 5,
      nonRetryableErrorTypes: ['Bad', 'Worse'],
    },
    cronSchedule: '0 8 * * *',
    workflowStartDelay: '0.25s',
    memo: { fields: { note: jsonPayload('"x"') } },
    header: { fields: { trace: jsonPayload('"t"') } },
    searchAttributes: { indexedFields: { Customer: jsonPayload('"Ada"'), Count: jsonPayload('3') } },
    userMetadata: { summary: jsonPayload('"An order"'), details: jsonPayload('"of Ada"') },
    priority: { priorityKey: 2, fairnessKey: 'ada', fairnessWeight: 1.5 },
  });
});

it('sends bytes and other encodings as they are told', () => {
  const form = { ...emptyStart(), type: 'T', taskQueue: 'q', inputs: ['CgNhZGE='], inputBase64: true };
  const meta = [{ key: 'encoding', value: 'binary/protobuf' }, { key: 'messageType', value: 'shop.v1.Order' }];
  const request = startRequest({ ...form, inputMeta: meta }, 'i', false, known);
  expect(request['input']).toEqual({
    payloads: [{
      metadata: { encoding: btoa('binary/protobuf'), messageType: btoa('shop.v1.Order') },
      data: 'CgNhZGE=',
    }],
  });
  expect(startCommand({ ...form, inputMeta: meta }, { namespace: 'n', identity: 'ada' }, 'i', false, known)).toMatch(
    /--input CgNhZGE=.*--input-meta encoding=binary\/protobuf .*--input-base64.*--identity ada/s,
  );
  expect(problems({ ...form, inputs: ['!'] }, false, known)).toEqual([{ field: 'inputs.0', problem: 'base64' }]);
  const plain = { ...form, inputs: ['no JSON'], inputBase64: false };
  expect(problems(plain, false, known)).toEqual([{ field: 'inputs.0', problem: 'json' }]);
  expect(problems({ ...plain, inputMeta: [{ key: 'encoding', value: 'text/plain' }] }, false, known)).toEqual([]);
});

it('leaves out what is empty', () => {
  const form = { ...emptyStart(), type: 'T', taskQueue: 'q' };
  expect(startRequest(form, 'i', false, known)).toEqual({
    workflowId: 'i', workflowType: { name: 'T' }, taskQueue: { name: 'q' },
  });
});

it('signals with start', () => {
  const form = { ...emptyStart(), type: 'T', taskQueue: 'q', signalName: 's', signalInputs: ['1'] };
  expect(startRequest(form, 'i', true, known)).toMatchObject({
    signalName: 's', signalInput: { payloads: [jsonPayload('1')] },
  });
});

it('shows the command', () => {
  const command = startCommand(full(), { namespace: 'default' }, 'o-1', false, known);
  expect(command).toContain('temporal workflow start');
  expect(command).toContain('--id-reuse-policy RejectDuplicate');
  expect(command).toContain(`--search-attribute 'Customer="Ada"'`);
  expect(command).toContain('--search-attribute Count=3');
  expect(command).toContain(`--input '{"id":9007199254740993}'`);
});

it('finds what is wrong', () => {
  expect(problems(full(), false, known)).toEqual([]);
  const wrong = {
    ...full(), type: ' ', inputs: ['{'], runTimeout: 'soon', priority: 'high',
    searchAttributes: [{ key: 'Count', value: 'many' }], memo: [{ key: 'a', value: 'b' }],
  };
  expect(problems(wrong, true, known)).toEqual([
    { field: 'type', problem: 'missing' },
    { field: 'signalName', problem: 'missing' },
    { field: 'inputs.0', problem: 'json' },
    { field: 'runTimeout', problem: 'duration' },
    { field: 'memo.0', problem: 'json' },
    { field: 'searchAttributes.0', problem: 'value' },
    { field: 'priority', problem: 'number' },
  ]);
});

it.each([
  ['Tags', 'a, b', '["a","b"]'],
  ['Tags', '["a"]', '["a"]'],
  ['When', '2026-01-01T00:00:00Z', '"2026-01-01T00:00:00.000Z"'],
  ['When', 'x', undefined],
  ['Share', '0.5', '0.5'],
  ['Vip', 'true', 'true'],
  ['Vip', 'yes', undefined],
  ['Customer', '5', '"5"'],
] as const)('writes attribute %s %s', (name, text, json) => {
  expect(attributeJson(known.find((k) => k.name === name), text)).toBe(json);
});

it('starts like another', () => {
  const request = startRequest(full(), 'o-1', false, known);
  const form = likeStarted(request, request['userMetadata'] as object);
  expect(form).toMatchObject({
    type: 'Order',
    taskQueue: 'orders',
    inputs: ['{"id":9007199254740993}', '2'],
    executionTimeout: '3600s',
    retry: { on: true, attempts: '5', nonRetryable: 'Bad, Worse' },
    memo: [{ key: 'note', value: '"x"' }],
    searchAttributes: [{ key: 'Customer', value: 'Ada' }, { key: 'Count', value: '3' }],
    summary: 'An order',
    fairnessWeight: '1.5',
  });
  expect(startRequest(form, 'o-1', false, known)).toMatchObject({ input: request['input'] as object });
});
