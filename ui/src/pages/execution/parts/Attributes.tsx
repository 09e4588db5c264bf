import { UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { listAttributes, type Attribute } from '@/model/attributes';
import { isRunLink, type EventLinkTarget } from '@/model/links';
import { durationMs, type Attributes } from '@/model/proto';
import { spanWords } from '@/model/time';
import { Fact, Facts } from '@/design/parts';
import { Id } from '@/design/Id';
import { Time } from '@/design/Time';
import { executionStrings } from '@/strings/execution';
import { useRun } from '../run';
import css from './Attributes.module.css';
import { FailureView } from './Failure';
import { Payloads } from './Payloads';

const s = executionStrings;

/** Another run, by its ids; a link where there is a server to ask. */
export function RunLink(props: { workflowId: string; runId: string; ns?: string | undefined; children?: string }) {
  const { id } = useRun();
  const { workflowId, runId } = props;
  const text = props.children ?? workflowId;
  if (!id || !runId) return <span className="sk-mono">{text}</span>;
  return (
    <Link
      to="/namespaces/$ns/workflows/$workflowId/$runId"
      params={{ ns: props.ns || id.ns, workflowId, runId }}
      title={`${workflowId} ${runId}`}
      className="sk-mono"
    >
      {text}
    </Link>
  );
}

/** An event by its number, where it stands in the history. */
export function EventLink({ event, children }: { event: number; children?: string }) {
  const { id, openEvent } = useRun();
  const text = children ?? String(event);
  if (!id)
    return (
      <UnstyledButton className={css['event'] ?? ''} onClick={() => openEvent?.(event)}>
        {text}
      </UnstyledButton>
    );
  return (
    <Link
      className={css['event']}
      to="/namespaces/$ns/workflows/$workflowId/$runId/history"
      params={{ ns: id.ns, workflowId: id.workflowId, runId: id.runId }}
      search={{ rows: 'all', event: String(event) }}
    >
      {text}
    </Link>
  );
}

/** What an event is linked with: runs and their events, as far as this server has them. */
export function EventLinks({ links }: { links: readonly EventLinkTarget[] }) {
  const { id } = useRun();
  return (
    <ul className={css['links']}>
      {links.map((link, i) => (
        <li key={i}>
          {isRunLink(link) && (
            <>
              {id && link.eventId > 0 ? (
                <Link
                  to="/namespaces/$ns/workflows/$workflowId/$runId/history"
                  params={{ ns: link.namespace || id.ns, workflowId: link.workflowId, runId: link.runId }}
                  search={{ rows: 'all', event: String(link.eventId) }}
                  className="sk-mono"
                >
                  {link.workflowId}
                </Link>
              ) : (
                <RunLink workflowId={link.workflowId} runId={link.runId} ns={link.namespace} />
              )}{' '}
            </>
          )}
          <span className={isRunLink(link) ? 'sk-dim' : 'sk-mono'}>{link.words}</span>
        </li>
      ))}
    </ul>
  );
}

function Value({ name, value }: Attribute) {
  switch (value.is) {
    case 'duration': {
      const ms = durationMs(value.text);
      return <span title={value.text}>{ms === 0 ? '0' : spanWords(ms)}</span>;
    }
    case 'time':
      return <Time at={value.text} />;
    case 'event':
      return <EventLink event={value.id} />;
    case 'execution':
      return <RunLink workflowId={value.workflowId} runId={value.runId} />;
    case 'payloads':
      return <Payloads payloads={value.payloads} what={name} none={s.details.none} />;
    case 'failure':
      return <FailureView failure={value.failure} />;
    case 'enum':
      return <>{value.text}</>;
    default:
      return /\bid$/i.test(name) && value.text.length > 8 ? <Id value={value.text} what={name} /> : <>{value.text}</>;
  }
}

/** All that an event's attributes hold, short values first and payloads under them. */
export function AttributeFacts({ attributes }: { attributes: Attributes }) {
  const list = listAttributes(attributes);
  const long = (a: Attribute): boolean => a.value.is === 'payloads' || a.value.is === 'failure';
  const ordered = [...list.filter((a) => !long(a)), ...list.filter(long)];
  return (
    <Facts>
      {ordered.map((a, i) => (
        <Fact key={i} name={a.name}>
          <Value {...a} />
        </Fact>
      ))}
    </Facts>
  );
}
