import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Fragment, useState } from 'react';
import { type FailureGroup, failureGroupsQuery } from '@/api/failures';
import { Icon } from '@/design/icons';
import { ErrorPanel, Fact, Facts, Panel } from '@/design/parts';
import { Time } from '@/design/Time';
import { affectedQuery, subject, toneOf } from '@/model/failures';
import { strings } from '@/strings';
import css from './home.module.css';

const s = strings.home.failures;

function sourceWord(group: FailureGroup): string {
  const words: Record<string, string> = s.sources;
  return words[group.source ?? ''] ?? '';
}

function Details({ ns, group }: { ns: string; group: FailureGroup }) {
  return (
    <div className={css['details']}>
      <Facts>
        <Fact name={s.latest}>
          <span className={css['message']}>{group.sampleMessage || group.message}</span>
        </Fact>
        {group.taskQueue && (
          <Fact name={s.queue}>
            <Link to="/namespaces/$ns/task-queues/$name" params={{ ns, name: group.taskQueue }}>
              {group.taskQueue}
            </Link>
          </Fact>
        )}
        <Fact name={strings.shell.workflows}>
          <Link to="/namespaces/$ns/workflows" params={{ ns }} search={{ q: affectedQuery(group) }}>
            {s.all}
          </Link>
        </Fact>
      </Facts>
      <div>
        <h3 className={css['subhead']}>{s.samples}</h3>
        <ul className={css['samples']}>
          {(group.samples ?? []).map((sample, i) => (
            <li key={i}>
              <Link
                to="/namespaces/$ns/workflows/$workflowId/$runId"
                params={{ ns, workflowId: sample.execution?.workflowId ?? '', runId: sample.execution?.runId ?? '' }}
                className="sk-mono sk-ellipsis"
              >
                {sample.execution?.workflowId}
              </Link>
              <span className="sk-dim">
                {sample.attempt ? `${s.attempt(sample.attempt)} · ` : ''}
                <Time at={sample.time} />
              </span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Row({ ns, group }: { ns: string; group: FailureGroup }) {
  const [open, setOpen] = useState(false);
  const retrying = Number(group.retrying ?? 0);
  return (
    <Fragment>
      <tr className={css['row']} onClick={(event) => !(event.target as Element).closest('a, button') && setOpen(!open)}>
        <td className={css['num']}>
          <button
            type="button"
            className={css['toggle']}
            aria-expanded={open}
            aria-label={`${subject(group)}: ${group.errorType ?? ''}`}
            onClick={() => setOpen(!open)}
          >
            <Icon name={open ? 'down' : 'right'} size={12} />
          </button>
          <span className={`sk-tone-${toneOf(group)}`}>
            {Number(group.count ?? 0).toLocaleString('en')}
          </span>
        </td>
        <td>
          {subject(group)} <span className="sk-dim">{group.activityType ? s.inType(group.workflowType ?? '') : sourceWord(group)}</span>
        </td>
        <td title={group.message}>
          <span className={`sk-tone-${toneOf(group)}`}>{group.errorType}</span> {group.message}
        </td>
        <td className={`sk-dim ${css['num']} ${css['wideOnly']}`}>{retrying > 0 && retrying.toLocaleString('en')}</td>
        <td className={css['num']} data-name={s.columns.first}>
          <Time at={group.firstSeen} />
        </td>
        <td className={css['num']} data-name={s.columns.seen}>
          <Time at={group.lastSeen} />
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={heads.length} className={css['open']}>
            <Details ns={ns} group={group} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

const heads: readonly { name: string; width?: string; numeric?: boolean; wideOnly?: boolean }[] = [
  { name: s.columns.count, width: '80px', numeric: true },
  { name: s.columns.what, width: '26%' },
  { name: s.columns.error },
  { name: s.columns.retried, width: '72px', numeric: true, wideOnly: true },
  { name: s.columns.first, width: '84px', numeric: true },
  { name: s.columns.seen, width: '84px', numeric: true },
];

/** What fails, the same error once, however often it came. */
export function FailureInbox({ ns }: { ns: string }) {
  const { data, error } = useQuery(failureGroupsQuery(ns));
  if (data === null) return null;
  const groups = data?.groups ?? [];
  return (
    <Panel title={s.title}>
      {error && !data && <ErrorPanel error={error} />}
      {data && groups.length === 0 && (
        <p className="sk-dim">
          {s.none} ({s.noneSince} <Time at={data.dataSince} />)
        </p>
      )}
      {groups.length > 0 && (
        <div className={css['flush']}>
          <table className={css['table']} aria-label={s.title}>
            <colgroup>
              {heads.map((head) => (
                <col key={head.name} style={head.width ? { width: head.width } : {}} />
              ))}
            </colgroup>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head.name} scope="col" className={`${head.numeric ? css['num'] : ''} ${head.wideOnly ? css['wideOnly'] : ''}`}>
                    {head.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {groups.map((group) => (
                <Row key={group.id} ns={ns} group={group} />
              ))}
            </tbody>
          </table>
          {data?.truncated && <p className={css['note']}>{s.truncated}</p>}
        </div>
      )}
    </Panel>
  );
}
