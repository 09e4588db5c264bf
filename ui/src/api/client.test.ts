import { afterEach, expect, it, vi } from 'vitest';
import { at, get, post, url } from './client';
import { isAway } from './connection';
import { ApiError, isCode } from './errors';

afterEach(() => vi.unstubAllGlobals());

function answer(body: string, status = 200) {
  const fetched = vi.fn(async (_url: string, _init: RequestInit) => new Response(body, { status }));
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

it('encodes what stands in a path', () => {
  expect(at`namespaces/${'a b'}/workflows/${'x/#%?'}`).toBe('namespaces/a%20b/workflows/x%2F%23%25%3F');
});

it('leaves out empty parts of a query', () => {
  expect(url('w', { query: 'A = "b"', token: '', page: undefined, size: 5 })).toBe(
    '/api/v1/w?query=A+%3D+%22b%22&size=5',
  );
});

it('asks for payloads as they are', async () => {
  const fetched = answer('{"a":"9007199254740993"}');
  expect(await get('x')).toEqual({ a: '9007199254740993' });
  expect(fetched.mock.calls[0]?.[1].headers).toEqual({
    Accept: 'application/json+no-payload-shorthand',
  });
});

it('sends JSON', async () => {
  const fetched = answer('{}');
  await post('x', { a: 1 });
  expect(fetched.mock.calls[0]?.[1]).toMatchObject({ method: 'POST', body: '{"a":1}' });
});

it('throws what the server said', async () => {
  answer('{"code":3,"message":"bad filter","details":[{"a":1}]}', 400);
  const error = await get('x').catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ code: 3, status: 400, message: 'bad filter', details: [{ a: 1 }] });
  expect(isCode(error, 'INVALID_ARGUMENT')).toBe(true);
});

it('notices a server that is away, and its return', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')));
  await expect(get('x')).rejects.toMatchObject({ status: 0, code: 14 });
  expect(isAway()).toBe(true);
  answer('{}');
  await get('x');
  expect(isAway()).toBe(false);
});

it('says so when an answer is no JSON', async () => {
  answer('<html>', 502);
  await expect(get('x')).rejects.toMatchObject({ status: 502 });
  answer('<html>');
  await expect(get('x')).rejects.toMatchObject({ code: 13 });
});
