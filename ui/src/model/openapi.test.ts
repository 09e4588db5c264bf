import { expect, it } from 'vitest';
import { curl, inner, matches, type OpenApi, operations, typeWords } from './openapi';

const document: OpenApi = {
  paths: {
    '/api/v1/b/{ns}': {
      post: {
        operationId: 'Signal', tags: ['S'], description: ' Sends\n one.',
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/p.Req' } } } },
        responses: { '200': { content: { 'application/json': { schema: { type: 'object' } } } } },
      },
    },
    '/api/v1/a': { get: { operationId: 'List', tags: ['S'], 'x-unimplemented': true } },
  },
  components: { schemas: { 'p.Req': { type: 'object', properties: { a: { type: 'string' } } } } },
};

it('lists operations, those that exist first', () => {
  const all = operations(document);
  expect(all.map((o) => [o.name, o.verb, o.built])).toEqual([['Signal', 'POST', true], ['List', 'GET', false]]);
  expect(all[0]?.description).toBe('Sends one.');
  expect(all.filter((o) => matches(o, ' SENDS ')).length).toBe(1);
});

it('says types and finds members', () => {
  expect(typeWords({ $ref: '#/components/schemas/p.Req' })).toBe('Req');
  expect(typeWords({ type: 'array', items: { type: 'string' } })).toBe('[string]');
  expect(typeWords({ type: 'object', additionalProperties: { type: 'integer', format: 'int32' } })).toBe('{integer int32}');
  expect(typeWords({ type: 'string', contentEncoding: 'base64' })).toBe('base64');
  expect(typeWords({})).toBe('any');
  expect(inner(document, { type: 'array', items: { $ref: '#/components/schemas/p.Req' } }).properties).toHaveProperty('a');
});

it('shows the call', () => {
  const [signal, list] = operations(document);
  if (!signal || !list) throw new Error('no operations');
  expect(curl(list, 'http://h', '/x/')).toBe("curl 'http://h/x/api/v1/a'");
  expect(curl(signal, 'http://h', '/')).toContain("curl -X POST 'http://h/api/v1/b/NS'");
  expect(curl(signal, 'http://h', '/')).toContain("-d '{}'");
});
