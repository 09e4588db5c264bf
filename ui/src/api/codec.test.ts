import { afterEach, expect, it, vi } from 'vitest';
import { config } from '@/app/config';
import { changeSettings } from '@/app/settings';
import { jsonPayload } from '@/model/payloads';
import { encodeRequest } from './codec';

afterEach(() => {
  vi.unstubAllGlobals();
  changeSettings({ codecEndpoint: '' });
  delete config.codecEndpoint;
});

const request = {
  workflowId: 'w',
  input: { payloads: [jsonPayload('1'), jsonPayload('2')] },
  memo: { fields: { a: jsonPayload('3') } },
  userMetadata: { summary: jsonPayload('"s"') },
  searchAttributes: { indexedFields: { b: jsonPayload('4') } },
};

it('leaves requests alone without a codec', async () => {
  expect(await encodeRequest('ns', request)).toBe(request);
});

it('encodes arguments, memo and summary, and no search attributes', async () => {
  config.codecEndpoint = 'https://codec.example';
  changeSettings({ codecEndpoint: 'https://codec.example/v1' });
  const fetched = vi.fn(async (_url: string, init: RequestInit) => {
    const { payloads } = JSON.parse(String(init.body)) as { payloads: { data: string }[] };
    return new Response(JSON.stringify({ payloads: payloads.map((p) => ({ data: `x${p.data}` })) }));
  });
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('fetch', fetched);
  const encoded = await encodeRequest('ns', request);
  expect(encoded.input.payloads.map((p) => p.data)).toEqual(request.input.payloads.map((p) => `x${p.data ?? ''}`));
  expect(encoded.memo.fields.a.data).toBe(`x${request.memo.fields.a.data ?? ''}`);
  expect(encoded.userMetadata.summary.data).toMatch(/^x/);
  expect(encoded.searchAttributes).toBe(request.searchAttributes);
  expect(fetched.mock.calls[0]?.[0]).toBe('https://codec.example/v1/encode');
});

it('does not call an origin that the policy forbids', async () => {
  config.codecEndpoint = 'https://codec.example';
  changeSettings({ codecEndpoint: 'https://other.example' });
  const fetched = vi.fn();
  vi.stubGlobal('fetch', fetched);
  await expect(encodeRequest('ns', request)).rejects.toThrow('The server lets pages call https://codec.example only.');
  expect(fetched).not.toHaveBeenCalled();
});
