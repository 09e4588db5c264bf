import { describe, expect, it } from 'vitest';
import {
  addressOf,
  curlOf,
  enumOf,
  fieldsOf,
  groupOf,
  lacking,
  type OpenApi,
  type Operation,
  operationsOf,
  searched,
  skeleton,
  typeOf,
} from './openapi';

const ref = (name: string) => ({ $ref: `#/components/schemas/p.${name}` });
const json = (schema: object) => ({ content: { 'application/json': { schema } } });

const doc: OpenApi = {
  info: {},
  paths: {
    '/api/v1/namespaces/{namespace}/workflows/{workflowId}/signal/{signalName}': {
      post: {
        operationId: 'SignalWorkflowExecution',
        description: ' Sends\n one.',
        parameters: [
          { name: 'namespace', in: 'path' },
          { name: 'workflowId', in: 'path' },
          { name: 'signalName', in: 'path' },
        ],
        requestBody: json(ref('Signal')),
        responses: { '200': json({ type: 'object' }) },
      },
    },
    '/api/v1/namespaces/{namespace}/workflows': {
      get: {
        operationId: 'ListWorkflowExecutions',
        parameters: [
          { name: 'namespace', in: 'path' },
          { name: 'query', in: 'query' },
          { name: 'pageSize', in: 'query' },
        ],
      },
    },
    '/api/v1/skald/stream': {
      post: {
        operationId: 'Stream',
        'x-skald': true,
        requestBody: json({ type: 'object' }),
        responses: { '200': { content: { 'application/x-ndjson': { schema: { type: 'object' } } } } },
      },
    },
    '/api/v1/rpc/PauseWorkflowExecution': { delete: { operationId: 'PauseWorkflowExecution', 'x-unimplemented': true } },
  },
  components: {
    schemas: {
      'p.Signal': {
        type: 'object',
        properties: {
          namespace: { type: 'string' },
          workflowExecution: ref('Execution'),
          input: ref('Payloads'),
          requestId: { type: 'string' },
          policy: ref('Policy'),
          links: { type: 'array', items: ref('Link') },
          delay: { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]{1,9})?s$' },
          labels: { type: 'object', additionalProperties: { type: 'integer', format: 'int32' } },
          token: { type: 'string', contentEncoding: 'base64' },
          at: { type: 'string', format: 'date-time' },
          size: { type: 'string', format: 'int64' },
          on: { type: 'boolean' },
          share: { type: ['number', 'string'] },
          extra: {},
        },
      },
      'p.Execution': { type: 'object', properties: { workflowId: { type: 'string' }, runId: { type: 'string' } } },
      'p.Payloads': { anyOf: [{ type: 'array', items: {} }, { type: 'object', properties: { payloads: { type: 'array' } } }] },
      'p.Policy': { type: 'string', enum: ['POLICY_NONE', 'POLICY_ALL'] },
      'p.Link': { type: 'object', properties: { inner: ref('Link') } },
    },
  },
};

const named = (id: string): Operation => {
  const found = operationsOf(doc).find((o) => o.id === id);
  if (!found) throw new Error(id);
  return found;
};

const signal = named('SignalWorkflowExecution');
const field = (name: string) => fieldsOf(doc, signal.body ?? {}).find(([n]) => n === name)?.[1] ?? {};

it('sorts methods by subject', () => {
  expect(operationsOf(doc).map((o) => [o.group, o.id, o.method])).toEqual([
    ['workflows', 'ListWorkflowExecutions', 'GET'],
    ['workflows', 'PauseWorkflowExecution', 'DELETE'],
    ['workflows', 'SignalWorkflowExecution', 'POST'],
    ['skald', 'Stream', 'POST'],
  ]);
  expect(groupOf('/api/v1/namespaces/{namespace}/activities/pause')).toBe('activities');
  expect(groupOf('/api/v1/namespaces/{namespace}')).toBe('namespaces');
  expect(groupOf('/api/v1/rpc/GetClusterInfo')).toBe('cluster');
});

it('says what each is', () => {
  expect(signal).toMatchObject({ description: 'Sends one.', own: false, built: true, streams: false });
  expect(named('Stream')).toMatchObject({ own: true, streams: true });
  expect(named('PauseWorkflowExecution').built).toBe(false);
});

it('finds those that have every word', () => {
  expect(searched(operationsOf(doc), ' SENDS one').map((o) => o.id)).toEqual(['SignalWorkflowExecution']);
  expect(searched(operationsOf(doc), 'post stream').map((o) => o.id)).toEqual(['Stream']);
  expect(searched(operationsOf(doc), '')).toHaveLength(4);
});

it.each([
  ['namespace', { word: 'text' }],
  ['workflowExecution', { word: 'message', name: 'Execution' }],
  ['policy', { word: 'enum', name: 'Policy' }],
  ['links', { word: 'message', name: 'Link', many: 'list' }],
  ['labels', { word: 'integer', many: 'map' }],
  ['token', { word: 'bytes' }],
  ['at', { word: 'time' }],
  ['delay', { word: 'duration' }],
  ['size', { word: 'integer64' }],
  ['on', { word: 'bool' }],
  ['share', { word: 'number' }],
  ['extra', { word: 'any' }],
])('says of what type %s is', (name, type) => {
  expect(typeOf(doc, field(name))).toEqual(type);
});

it('goes into messages, lists, maps and either-or', () => {
  expect(fieldsOf(doc, field('links')).map(([n]) => n)).toEqual(['inner']);
  expect(fieldsOf(doc, field('input')).map(([n]) => n)).toEqual(['payloads']);
  expect(enumOf(doc, field('policy'))).toEqual(['POLICY_NONE', 'POLICY_ALL']);
});

it('begins a body with what the path does not say', () => {
  expect(JSON.parse(skeleton(doc, signal))).toEqual({
    workflowExecution: { workflowId: '' },
    input: [],
    requestId: '',
    policy: 'POLICY_NONE',
    links: [],
    delay: '0s',
  });
  expect(skeleton(doc, named('ListWorkflowExecutions'))).toBe('');
});

describe('the call', () => {
  const list = named('ListWorkflowExecutions');

  it('is put together from what is filled in', () => {
    const values = { namespace: 'a/b', query: 'x = "1"' };
    expect(addressOf('http://h/x/', list, values)).toBe('http://h/x/api/v1/namespaces/a%2Fb/workflows?query=x+%3D+%221%22');
    expect(addressOf('http://h', list, {})).toBe('http://h/api/v1/namespaces/{namespace}/workflows');
    expect(lacking(list, { query: 'x' })).toEqual(['namespace']);
    expect(lacking(list, values)).toEqual([]);
  });

  it('is a line for the shell', () => {
    expect(curlOf(list, 'http://h/a', '')).toBe("curl -s http://h/a");
    expect(curlOf(signal, 'http://h/a?b', "{'}")).toBe(
      "curl -s 'http://h/a?b' \\\n  -H 'Content-Type: application/json' \\\n  -d '{'\\''}'",
    );
    expect(curlOf(named('Stream'), 'http://h/a', '{}')).toMatch(/^curl -sN /);
    expect(curlOf(named('PauseWorkflowExecution'), 'http://h/a', '')).toContain('-X DELETE');
  });
});
