import { describe, expect, it } from 'vitest';
import { CodecError, decodeRemotely, encodeRemotely } from './codec';
import { failureChain, failureLine, failureText, tellingFailure } from './failure';
import { compactJson, prettyJson } from './json';
import {
  base64Bytes,
  bytesBase64,
  decodePayload,
  hexDump,
  jsonPayload,
  payloadList,
  payloadPreview,
  payloadsPreview,
  payloadView,
  samePayloads,
  sizeWords,
  textBase64,
} from './payloads';
import type { Failure, Payload } from './proto';

function payload(encoding: string, bytes: Uint8Array): Payload {
  return { metadata: { encoding: textBase64(encoding) }, data: bytesBase64(bytes) };
}

describe('json', () => {
  it('keeps numbers, repeated keys and escapes as they were sent', () => {
    const text = '{"id":9007199254740993,"x":1.0,"big":1e400,"id":-0,"s":"a\\u00e9\\"{,}"}';
    expect(prettyJson(text)).toBe(
      '{\n  "id": 9007199254740993,\n  "x": 1.0,\n  "big": 1e400,\n  "id": -0,\n  "s": "a\\u00e9\\"{,}"\n}',
    );
  });

  it('lays out nested and empty values', () => {
    expect(prettyJson(' [ { } , [ ] , [1 ,{"a":null}] ] ')).toBe(
      '[\n  {},\n  [],\n  [\n    1,\n    {\n      "a": null\n    }\n  ]\n]',
    );
    expect(prettyJson('"just text"')).toBe('"just text"');
  });

  it('means the same after being laid out', () => {
    const values = [{ a: [1, { b: 'x, y: {z}' }], c: {} }, [[[]]], 'q"\\', -1.5e-7, null, true];
    for (const value of values) {
      const text = JSON.stringify(value);
      expect(JSON.parse(prettyJson(text))).toEqual(value);
      expect(JSON.parse(compactJson(prettyJson(text)))).toEqual(value);
    }
  });

  it('leaves alone what is not JSON', () => {
    expect(prettyJson('{"cut off')).toBe('{"cut off');
    expect(prettyJson('NaN')).toBe('NaN');
  });
});

describe('payloads', () => {
  it('round-trips bytes through base64', () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) & 255);
    expect(base64Bytes(bytesBase64(bytes))).toEqual(bytes);
  });

  it('reads text beyond ASCII', () => {
    const d = decodePayload(jsonPayload('"žluť 🐎"'));
    expect(d).toMatchObject({ kind: 'json', encoding: 'json/plain', text: '"žluť 🐎"' });
  });

  it('shows null, bytes, encrypted and unknown ones as what they are', () => {
    expect(payloadPreview(payload('binary/null', new Uint8Array(0)))).toBe('null');
    expect(payloadPreview(payload('binary/plain', new Uint8Array(2048)))).toBe('binary/plain 2.0 kB');
    expect(decodePayload(payload('binary/encrypted', new Uint8Array(9))).kind).toBe('encrypted');
    expect(payloadPreview({ data: 'AAE=' })).toBe('binary 2 B');
    expect(decodePayload({ metadata: { encoding: '!' }, data: '?' }).kind).toBe('binary');
  });

  it('treats JSON that is not UTF-8 as bytes', () => {
    const d = decodePayload(payload('json/plain', Uint8Array.of(0x22, 0xff, 0x22)));
    expect(d.kind).toBe('binary');
    expect(d.size).toBe(3);
  });

  it('names the message of protobuf JSON', () => {
    const p = jsonPayload('{"a":"1"}');
    p.metadata = { encoding: textBase64('json/protobuf'), messageType: textBase64('shop.Order') };
    expect(decodePayload(p)).toMatchObject({ kind: 'json', messageType: 'shop.Order' });
  });

  it('cuts a huge payload at a line, until all is asked for', () => {
    const text = JSON.stringify(Array.from({ length: 50_000 }, (_, i) => i));
    const view = payloadView(jsonPayload(text));
    expect(view.text.length).toBeLessThanOrEqual(20_000);
    expect(view.text.endsWith(',')).toBe(true);
    const all = payloadView(jsonPayload(text), true);
    expect(all.cut).toBe(0);
    expect(all.text.length).toBe(view.text.length + view.cut);
    expect(payloadPreview(jsonPayload(text), 40)).toHaveLength(40);
  });

  it('dumps bytes in lines of sixteen', () => {
    expect(hexDump(Uint8Array.from([...'skald\n\x00'].map((c) => c.charCodeAt(0))))).toBe(
      '000000  73 6b 61 6c 64 0a 00                             skald..',
    );
    const view = payloadView(payload('binary/plain', new Uint8Array(100_000)));
    expect(view.cut).toBe(96_000);
  });

  it('lists payloads of the plain and of the shorthand form', () => {
    expect(payloadList(undefined)).toEqual([]);
    expect(payloadsPreview({ payloads: [jsonPayload('1'), jsonPayload('"a"')] })).toBe('1, "a"');
    expect(payloadsPreview([{ a: 1 }, 'x'])).toBe('{"a": 1}, "x"');
    expect(samePayloads({ payloads: [jsonPayload('1')] }, [1])).toBe(true);
    expect(samePayloads({ payloads: [jsonPayload('1')] }, { payloads: [jsonPayload('2')] })).toBe(false);
  });

  it('writes sizes in units', () => {
    expect([0, 999, 1000, 9_949, 15_400, 999_600, 2.5e9].map(sizeWords)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '9.9 kB',
      '15 kB',
      '1.0 MB',
      '2.5 GB',
    ]);
  });
});

it('dumps as many bytes a line as there is room for', () => {
  expect(hexDump(Uint8Array.from({ length: 10 }, (_x, i) => 65 + i), 8)).toBe(
    '000000  41 42 43 44 45 46 47 48  ABCDEFGH\n000008  49 4a                    IJ',
  );
});

describe('codec', () => {
  const codec = { endpoint: 'https://codec.example/', namespace: 'shop', authorization: 'Bearer t' };
  const sent = [jsonPayload('1')];

  it('posts payloads with the namespace and returns what comes back', async () => {
    const calls: [string, RequestInit][] = [];
    const fetcher = async (url: string, init: RequestInit): Promise<Response> => {
      calls.push([url, init]);
      return Response.json({ payloads: [jsonPayload('2')] });
    };
    expect(await decodeRemotely(codec, sent, fetcher)).toEqual([jsonPayload('2')]);
    await encodeRemotely(codec, sent, fetcher);
    expect(calls.map(([url]) => url)).toEqual([
      'https://codec.example/decode',
      'https://codec.example/encode',
    ]);
    const init = calls[0]![1];
    expect(init.headers).toMatchObject({ 'X-Namespace': 'shop', Authorization: 'Bearer t' });
    expect(init.credentials).toBe('omit');
    expect(JSON.parse(String(init.body))).toEqual({ payloads: sent });
  });

  it('says what was wrong with an answer', async () => {
    const answer = (r: Response) => decodeRemotely(codec, sent, async () => r);
    await expect(answer(new Response('', { status: 403, statusText: 'Forbidden' }))).rejects.toThrow(
      '403 Forbidden',
    );
    await expect(answer(Response.json({ payloads: [] }))).rejects.toThrow(CodecError);
    await expect(answer(new Response('<html>'))).rejects.toThrow(CodecError);
    await expect(
      decodeRemotely(codec, sent, () => Promise.reject(new TypeError('Failed to fetch'))),
    ).rejects.toThrow('Failed to fetch');
  });
});

describe('failures', () => {
  const failure: Failure = {
    message: 'activity error',
    activityFailureInfo: {
      activityType: { name: 'charge' },
      activityId: '7',
      scheduledEventId: '5',
      retryState: 'RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED',
    },
    cause: {
      message: 'card declined',
      stackTrace: 'at charge (pay.ts:3:1)\n',
      applicationFailureInfo: { type: 'CardDeclined', nonRetryable: true, details: { payloads: [jsonPayload('1')] } },
    },
  };

  it('lists causes down to the root', () => {
    const chain = failureChain(failure);
    expect(chain.map((c) => c.kind)).toEqual(['activity', 'application']);
    expect(chain[0]).toMatchObject({
      subject: { type: 'charge', id: '7', eventId: '5' },
      retryState: 'Maximum attempts reached',
    });
    expect(chain[1]).toMatchObject({ type: 'CardDeclined', nonRetryable: true });
    expect(chain[1]?.details).toHaveLength(1);
    expect(tellingFailure(failure)?.message).toBe('card declined');
    const inner = { message: 'no connection', applicationFailureInfo: { type: 'Error' } };
    expect(failureLine({ ...failure, cause: { ...failure.cause, cause: inner } })).toBe('CardDeclined: card declined');
    expect(failureLine(failure)).toBe('CardDeclined: card declined');
    expect(failureText(failure)).toBe(
      'activity error\nCaused by: CardDeclined: card declined\nat charge (pay.ts:3:1)',
    );
  });

  it('takes the words of a wrapper where the root has none', () => {
    expect(failureLine({ message: 'outer', cause: {} })).toBe('outer');
    expect(failureLine(undefined)).toBe('');
    expect(
      failureLine({ message: 'activity StartToClose timeout', timeoutFailureInfo: { timeoutType: 'TIMEOUT_TYPE_START_TO_CLOSE' } }),
    ).toBe('Start to close: activity StartToClose timeout');
  });

  it('ends with a chain that never does', () => {
    let deep: Failure = { message: 'root' };
    for (let i = 0; i < 500; i++) deep = { message: `m${i}`, cause: deep };
    expect(failureChain(deep)).toHaveLength(100);
  });
});
