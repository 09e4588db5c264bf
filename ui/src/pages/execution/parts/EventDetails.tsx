import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { CopyButton } from '@/design/CopyButton';
import { Fact, Facts } from '@/design/parts';
import { Time } from '@/design/Time';
import { eventName } from '@/model/describe';
import type { EventView } from '@/model/history';
import { linksOf } from '@/model/links';
import { executionStrings } from '@/strings/execution';
import { useRun } from '../run';
import { AttributeFacts, EventLink, EventLinks } from './Attributes';
import css from './EventDetails.module.css';

const s = executionStrings.details;

/** One event in full: every field, the events it belongs with, and as JSON. */
export function EventDetails({ event }: { event: EventView }) {
  const { state } = useRun();
  const [json, setJson] = useState(false);
  const related = state.log.related(event);
  const links = linksOf(event.raw.links);
  return (
    <div className={css['details']}>
      <div className={css['head']}>
        <Time at={event.timeMs} />
        {related.length > 0 && (
          <span>
            <span className="sk-dim">{s.related}</span>{' '}
            {related.map((e, i) => (
              <span key={e.id}>
                {i > 0 && ', '}
                <EventLink event={e.id} /> <span className="sk-dim">{eventName(e)}</span>
              </span>
            ))}
          </span>
        )}
        <SegmentedControl
          className={css['switch'] ?? ''}
          value={json ? 'json' : 'fields'}
          aria-label={s.open}
          data={[
            { value: 'fields', label: s.attributes },
            { value: 'json', label: s.raw },
          ]}
          onChange={(value) => setJson(value === 'json')}
        />
      </div>
      {links.length > 0 && (
        <Facts>
          <Fact name={s.links}>
            <EventLinks links={links} />
          </Fact>
        </Facts>
      )}
      {json ? <Raw event={event} /> : <AttributeFacts attributes={event.attributes} />}
    </div>
  );
}

function Raw({ event }: { event: EventView }) {
  const text = JSON.stringify(event.raw, undefined, 2);
  return (
    <div className={css['raw']}>
      <pre tabIndex={0} role="group" aria-label={s.raw}>
        {text}
      </pre>
      <CopyButton text={text} what={s.raw} className={css['copy']} />
    </div>
  );
}
