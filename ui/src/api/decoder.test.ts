import { expect, it } from 'vitest';
import { CodecError } from '@/model/codec';
import { decodePayload, isEncoded, jsonPayload, textBase64 } from '@/model/payloads';
import type { Payload } from '@/model/proto';
import { Decoder } from './decoder';

const sealed = (text: string): Payload => ({ metadata: { encoding: textBase64('binary/encrypted') }, data: textBase64(text) });
const plain = (p: Payload): Payload => jsonPayload(`"${atob(p.data ?? '')}"`);

/** Waits until nothing is under way. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve));
}

function decoderOf(answer: (payloads: Payload[], ns: string) => Payload[]) {
  const asked: { ns: string; texts: string[] }[] = [];
  const decoder = new Decoder(async (ns, payloads) => {
    asked.push({ ns, texts: payloads.map((p) => atob(p.data ?? '')) });
    return answer(payloads, ns);
  });
  return { asked, decoder };
}

it('asks once for what is wanted at the same time, by namespace, and only for what is encoded', async () => {
  const { asked, decoder } = decoderOf((all) => all.map(plain));
  const [a, b, c] = [sealed('a'), sealed('b'), sealed('c')];
  decoder.want('one', [a, jsonPayload('1')]);
  decoder.want('one', [b, a]);
  decoder.want('two', [c]);
  expect(decoder.isWaiting(a)).toBe(true);
  await settled();
  expect(asked).toEqual([
    { ns: 'two', texts: ['c'] },
    { ns: 'one', texts: ['b', 'a'] },
  ]);
  expect([a, b, c].map((p) => decodePayload(p).text)).toEqual(['"a"', '"b"', '"c"']);
});

it('does not ask for what was let go, nor again for the same bytes in another object', async () => {
  const { asked, decoder } = decoderOf((all) => all.map(plain));
  decoder.want('ns', [sealed('gone')])();
  decoder.want('ns', [sealed('kept')]);
  await settled();
  const again = sealed('kept');
  decoder.want('ns', [again]);
  await settled();
  expect(asked).toEqual([{ ns: 'ns', texts: ['kept'] }]);
  expect(decodePayload(again).text).toBe('"kept"');
});

it('splits what is much, the latest first', async () => {
  const { asked, decoder } = decoderOf((all) => all.map(plain));
  decoder.want('ns', Array.from({ length: 150 }, (_x, i) => sealed(String(i))));
  await settled();
  expect(asked.map((a) => a.texts.length)).toEqual([100, 50]);
  expect(asked[0]?.texts[0]).toBe('149');
});

it('finds the one payload that the codec refuses', async () => {
  const { asked, decoder } = decoderOf((all) => {
    if (all.some((p) => atob(p.data ?? '') === 'bad')) throw new CodecError('400 Bad Request', 400);
    return all.map(plain);
  });
  const [good, bad] = [sealed('good'), sealed('bad')];
  decoder.want('ns', [good, bad]);
  await settled();
  expect(decodePayload(good).text).toBe('"good"');
  expect(isEncoded(bad)).toBe(true);
  expect(decoder.refusalOf(bad)).toBe('400 Bad Request');
  expect(decoder.error()).toBeUndefined();
  decoder.want('ns', [bad]);
  await settled();
  expect(asked.map((a) => a.texts)).toEqual([['bad', 'good'], ['bad'], ['good']]);
});

it.each([
  [0, 1],
  [401, 1],
  [500, 3],
  [400, 5],
])('stops asking a codec that answers %i, until it is told to', async (status, requests) => {
  let broken = true;
  const { asked, decoder } = decoderOf((all) => {
    if (broken) throw new CodecError('trouble', status);
    return all.map(plain);
  });
  const many = Array.from({ length: 20 }, (_x, i) => sealed(String(i)));
  decoder.want('ns', many);
  await settled();
  expect(asked.length).toBe(requests);
  expect(decoder.error()?.message).toBe('trouble');
  broken = false;
  decoder.want('ns', many);
  await settled();
  expect(asked.length).toBe(requests);
  decoder.retry();
  decoder.want('ns', many);
  await settled();
  expect(decoder.error()).toBeUndefined();
  expect(many.every((p) => !isEncoded(p))).toBe(true);
});

it('says so of a single payload that a codec in trouble was asked for', async () => {
  const { decoder } = decoderOf(() => {
    throw new CodecError('trouble', 500);
  });
  decoder.want('ns', [sealed('x')]);
  await settled();
  expect(decoder.error()?.status).toBe(500);
});

it('does not ask for ever for what the codec gives back as it was', async () => {
  const { asked, decoder } = decoderOf((all) => all);
  const other = sealed('x');
  for (const payload of [other, other, sealed('x')]) {
    decoder.want('ns', [payload]);
    await settled();
  }
  expect(asked.length).toBe(1);
});
