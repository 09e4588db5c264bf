import { failureChain, failureText, type FailureLink } from '@/model/failure';
import { payloadsIn } from '@/model/payloads';
import type { Failure } from '@/model/proto';
import { CopyButton } from '@/design/CopyButton';
import { executionStrings } from '@/strings/execution';
import { useDecoding } from './codec';
import css from './Failure.module.css';
import { Payloads } from './Payloads';

const s = executionStrings.failure;

function facts(link: FailureLink): string {
  const subject = link.subject && [link.subject.type, link.subject.id].filter(Boolean).join(' ');
  return [
    subject,
    link.retryState,
    link.nonRetryable ? s.nonRetryable : '',
    link.identity,
    link.source ? `${s.source} ${link.source}` : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

function OneFailure({ link, cause, open }: { link: FailureLink; cause: boolean; open: boolean }) {
  const about = facts(link);
  return (
    <li className={css['one']}>
      {cause && <div className={css['cause']}>{s.cause}</div>}
      <div className={css['title']}>{link.type || s.kinds[link.kind]}</div>
      <div className={css['message']}>{link.message || (link.encoded ? s.encoded : s.noMessage)}</div>
      {about && <div className={css['about']}>{about}</div>}
      {link.encoded && <Payloads payloads={[link.encoded]} what={s.encoded} />}
      {link.stackTrace && (
        <details open={open}>
          <summary className={css['summary']}>{s.stack}</summary>
          <pre className={css['stack']} tabIndex={0} role="group" aria-label={s.stack}>
            {link.stackTrace.trimEnd()}
          </pre>
        </details>
      )}
      {link.details.length > 0 && (
        <>
          <div className={css['cause']}>{s.details}</div>
          <div className={css['details']}>
            <Payloads payloads={link.details} what={s.details} />
          </div>
        </>
      )}
    </li>
  );
}

/** A failure and what caused it, outermost first; the stack trace of the root is open. */
export function FailureView({ failure, closed = false }: { failure: Failure; closed?: boolean }) {
  useDecoding(() => payloadsIn(failure));
  const chain = failureChain(failure);
  return (
    <div className={css['box']}>
      <CopyButton text={failureText(failure)} what={s.kinds.other} className={css['copy']} />
      <ol className={css['chain']}>
        {chain.map((link, i) => (
          <OneFailure key={i} link={link} cause={i > 0} open={!closed && i === chain.length - 1} />
        ))}
      </ol>
    </div>
  );
}
