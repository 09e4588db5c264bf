/**
 * Payloads that only the operator's codec can read. Whoever shows one says so with `want`, and stops with
 * what that returns; what is asked for at about the same time goes in one request, latest first, one
 * request at a time. An answer is kept with its payload (readAs), so that everything that shows it, previews
 * and searches included, reads it from then on.
 *
 * A codec that refuses a whole request may dislike one payload of it, so they are asked for one by one for
 * a while; a payload refused alone is not asked for again. A codec that does not answer, denies access or
 * refuses one after the other is not asked at all until somebody says `retry`.
 */
import { CodecError } from '@/model/codec';
import { isEncoded, readAs } from '@/model/payloads';
import type { Payload } from '@/model/proto';
import { codecEndpoint, decodePayloads } from './codec';

const batchMax = 100;
const batchCharsMax = 1 << 20;
const refusalsMax = 3;
/** No answer, not allowed, nothing there: whatever the payload is. */
const general = new Set([0, 401, 403, 404, 405]);
const knownMax = 4096;
const knownCharsMax = 1 << 16;

interface Waiting {
  ns: string;
  users: number;
}

type Decode = (ns: string, payloads: Payload[]) => Promise<Payload[]>;

export class Decoder {
  readonly #waiting = new Map<Payload, Waiting>();
  #refused = new WeakMap<Payload, string>();
  /** By what they hold: descriptions of a run come again and again, with the same payloads in new objects. */
  readonly #known = new Map<string, Payload>();
  readonly #listeners = new Set<() => void>();
  #version = 0;
  #busy = false;
  #alone = 0;
  #refusals = 0;
  #error: CodecError | undefined;

  constructor(private readonly decode: Decode) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Rises with each answer and each error. */
  readonly version = (): number => this.#version;
  readonly error = (): CodecError | undefined => this.#error;

  refusalOf(payload: Payload): string {
    return this.#refused.get(payload) ?? '';
  }

  isWaiting(payload: Payload): boolean {
    return this.#waiting.has(payload) && !this.#error;
  }

  /** Asks for those that need it; what is returned takes that back. */
  want(ns: string, payloads: readonly Payload[]): () => void {
    const mine = payloads.filter((p) => isEncoded(p) && !this.#refused.has(p) && !this.#recall(p));
    for (const payload of mine) {
      const there = this.#waiting.get(payload);
      if (there) there.users++;
      else this.#waiting.set(payload, { ns, users: 1 });
    }
    if (mine.length > 0) this.#soon();
    return () => {
      for (const payload of mine) {
        const there = this.#waiting.get(payload);
        if (there && --there.users === 0) this.#waiting.delete(payload);
      }
    };
  }

  /** Forgets errors and asks again. */
  retry(): void {
    this.#error = undefined;
    this.#refused = new WeakMap();
    this.#known.clear();
    this.#refusals = 0;
    this.#tell();
    this.#soon();
  }

  #recall(payload: Payload): boolean {
    const plain = this.#known.get(keyOf(payload));
    if (plain) {
      readAs(payload, plain);
      if (isEncoded(payload)) this.#refused.set(payload, '');
      queueMicrotask(() => this.#tell());
    }
    return plain !== undefined;
  }

  #soon(): void {
    if (this.#busy || this.#error) return;
    this.#busy = true;
    setTimeout(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#error) await this.#once();
    this.#busy = false;
  }

  async #once(): Promise<void> {
    const [ns, batch] = this.#next();
    try {
      const answers = await this.decode(ns, batch);
      batch.forEach((payload, i) => this.#take(payload, answers[i] ?? payload));
      this.#refusals = 0;
    } catch (error) {
      this.#fail(batch, error instanceof CodecError ? error : new CodecError(String(error)));
    }
    this.#tell();
  }

  /** The latest that wait, of one namespace. */
  #next(): [string, Payload[]] {
    const latest = [...this.#waiting].reverse();
    const ns = latest[0]?.[1].ns ?? '';
    const batch: Payload[] = [];
    let chars = 0;
    for (const [payload, waiting] of latest) {
      if (waiting.ns !== ns) continue;
      chars += payload.data?.length ?? 0;
      if (batch.length > 0 && (chars > batchCharsMax || this.#alone > 0)) break;
      batch.push(payload);
      if (batch.length === batchMax) break;
    }
    if (this.#alone > 0) this.#alone--;
    return [ns, batch];
  }

  #take(payload: Payload, plain: Payload): void {
    this.#waiting.delete(payload);
    readAs(payload, plain);
    if (isEncoded(payload)) this.#refused.set(payload, ''); // it knows no better either
    const key = keyOf(payload);
    if (key.length > knownCharsMax) return;
    this.#known.set(key, plain);
    if (this.#known.size > knownMax) this.#known.delete(this.#known.keys().next().value ?? '');
  }

  #fail(batch: readonly Payload[], error: CodecError): void {
    // 5xx is the codec's own trouble, unless the next payload shows that it was this one's.
    const last = error.status >= 500 && batch.length === 1 && (this.#refusals > 0 || this.#waiting.size === 1);
    if (last || general.has(error.status) || this.#refusals >= refusalsMax) {
      this.#error = error;
    } else if (batch.length > 1) {
      this.#alone = batch.length;
    } else {
      this.#refusals++;
      for (const payload of batch) {
        this.#waiting.delete(payload);
        this.#refused.set(payload, error.message);
      }
    }
  }

  #tell(): void {
    this.#version++;
    for (const listener of [...this.#listeners]) listener();
  }
}

function keyOf(payload: Payload): string {
  return `${JSON.stringify(payload.metadata)}${payload.data ?? ''}`;
}

export const decoder = new Decoder(decodePayloads);

/** All payloads of an answer that is shown whole; what cannot be decoded comes as it is. */
export async function decodeNow(ns: string, payloads: readonly Payload[]): Promise<void> {
  const open = payloads.filter(isEncoded);
  if (!codecEndpoint() || open.length === 0 || decoder.error()) return;
  const release = decoder.want(ns, open);
  await new Promise<void>((resolve) => {
    const settled = (): void => {
      if (open.some((p) => isEncoded(p) && decoder.isWaiting(p))) return;
      leave();
      resolve();
    };
    const leave = decoder.subscribe(settled);
    settled();
  });
  release();
}
