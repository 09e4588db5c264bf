import { UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useState, type ReactNode } from 'react';
import { decoder } from '@/api/decoder';
import { decodePayload, isEncoded, payloadShownMax, payloadView, sizeWords, wasDecoded, type DecodedPayload } from '@/model/payloads';
import type { Payload } from '@/model/proto';
import { CopyButton } from '@/design/CopyButton';
import { executionStrings } from '@/strings/execution';
import { useCodecEndpoint, useDecoding } from './codec';
import css from './Payloads.module.css';

const s = executionStrings.payload;

/** JSON with its keys told apart from its values; always text, never markup. */
export function JsonText({ text }: { text: string }) {
  const parts: ReactNode[] = [];
  const strings = /"(?:[^"\\]|\\.)*"(?=(\s*:)?)/g;
  let from = 0;
  for (let m = strings.exec(text); m; m = strings.exec(text)) {
    if (m[1] === undefined) continue;
    parts.push(text.slice(from, m.index));
    parts.push(
      <span key={m.index} className={css['key']}>
        {m[0]}
      </span>,
    );
    from = m.index + m[0].length;
  }
  parts.push(text.slice(from));
  return <>{parts}</>;
}

function about(d: DecodedPayload): string {
  const parts = [];
  if (d.encoding && d.encoding !== 'json/plain') parts.push(d.encoding);
  if (d.messageType) parts.push(d.messageType);
  if (d.kind === 'binary' || d.kind === 'encrypted' || d.size >= 1000) parts.push(sizeWords(d.size));
  return parts.join(' · ');
}

/** Longer texts stay uncoloured: thousands of spans cost more than they tell. */
const colouredMax = 30_000;

/** Why an encoded payload is not readable. */
function codecNote(payload: Payload, endpoint: string): string {
  if (!endpoint) return s.encoded;
  if (decoder.error()) return ''; // the page says so once
  if (decoder.isWaiting(payload)) return s.decoding;
  const why = decoder.refusalOf(payload);
  return why ? s.refused(why) : s.notDecoded;
}

function OnePayload(props: { payload: Payload; what: string; title: string }) {
  const { payload, what, title } = props;
  const endpoint = useCodecEndpoint();
  const narrow = useMediaQuery('(max-width: 720px)') ?? false;
  const note = isEncoded(payload) ? codecNote(payload, endpoint) : '';
  const [all, setAll] = useState(false);
  const d = decodePayload(payload);
  const view = payloadView(payload, all, payloadShownMax, narrow ? 8 : 16);
  const head = [title, about(d), wasDecoded(payload) ? s.decodedBy : ''].filter(Boolean).join(' · ');
  const text = d.kind === 'external' ? s.external(sizeWords(d.size)) : view.text;
  return (
    <div className={css['one']}>
      {head && <div className={css['head']}>{head}</div>}
      {note && <p className={css['note']}>{note}</p>}
      <div className={css['body']}>
        <pre className={css['text']} tabIndex={0} role="group" aria-label={what}>
          {view.json && text.length < colouredMax ? <JsonText text={text} /> : text || s.empty}
        </pre>
        <CopyButton
          text={d.kind === 'json' || d.kind === 'text' ? (payloadView(payload, true).text) : text}
          what={what}
          className={css['copy']}
        />
      </div>
      {view.cut > 0 && (
        <UnstyledButton className={css['more']} onClick={() => setAll(true)}>
          {s.showAll(view.json || d.kind === 'text' ? s.characters(view.cut) : s.bytes(view.cut))}
        </UnstyledButton>
      )}
    </div>
  );
}

/** Payloads one under the other, decoded when they come into view. */
export function Payloads(props: { payloads: readonly Payload[]; what: string; none?: string }) {
  const { payloads, what, none } = props;
  useDecoding(() => payloads);
  if (payloads.length === 0) return none ? <p className="sk-dim">{none}</p> : null;
  return (
    <div className={css['list']}>
      {payloads.map((payload, i) => (
        <OnePayload
          key={i}
          payload={payload}
          what={s.what(what, i + 1, payloads.length)}
          title={payloads.length > 1 ? String(i + 1) : ''}
        />
      ))}
    </div>
  );
}
