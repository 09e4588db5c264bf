/**
 * Payloads that only the operator's codec endpoint can read: asked for when they come into view, once
 * each. Whether there is an endpoint says the reader's own setting, else the server's.
 */
import { useEffect, useState } from 'react';
import { useParams } from '@tanstack/react-router';
import { codecEndpoint } from '@/api/codec';
import { useSettings } from '@/app/settings';
import { CodecError, decodeRemotely } from '@/model/codec';
import { decodePayload } from '@/model/payloads';
import type { Payload } from '@/model/proto';

const known = new WeakMap<Payload, Payload>();
const plain = new Set(['json/plain', 'json/protobuf', 'binary/null', 'binary/plain', 'text/plain', '']);

/** What an SDK's own converter makes needs no codec. */
function needsCodec(payload: Payload): boolean {
  return !plain.has(decodePayload(payload).encoding);
}

export interface Decoded {
  readonly shown: readonly Payload[];
  readonly busy: boolean;
  readonly error: string;
  readonly remote: boolean;
}

export function useCodecEndpoint(): string {
  useSettings();
  return codecEndpoint();
}

export function useDecoded(payloads: readonly Payload[]): Decoded {
  const endpoint = useCodecEndpoint();
  const { ns } = useParams({ strict: false });
  const [error, setError] = useState('');
  const [, setCount] = useState(0);
  const open = endpoint ? payloads.filter((p) => needsCodec(p) && !known.has(p)) : [];
  const wanted = open.length > 0 && !error;
  useEffect(() => {
    if (!wanted) return;
    const abort = new AbortController();
    const asked = payloads.filter((p) => needsCodec(p) && !known.has(p));
    decodeRemotely({ endpoint, namespace: ns ?? '' }, asked, fetch.bind(window), abort.signal).then(
      (answers) => {
        asked.forEach((payload, i) => known.set(payload, answers[i] ?? payload));
        setCount((n) => n + 1);
      },
      (reason: unknown) => {
        if (abort.signal.aborted) return;
        setError(reason instanceof CodecError ? reason.message : String(reason));
      },
    );
    return () => abort.abort();
  }, [wanted, endpoint, ns, payloads]);
  return {
    shown: payloads.map((p) => known.get(p) ?? p),
    busy: wanted,
    error,
    remote: payloads.some((p) => known.has(p)),
  };
}
