import { Checkbox, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useRef } from 'react';
import { openApiQuery } from '@/api/openapi';
import { url } from '@/api/client';
import { config } from '@/app/config';
import { useSettings } from '@/app/settings';
import { useShortcuts } from '@/app/shortcuts';
import { Icon } from '@/design/icons';
import { EmptyState, ErrorPanel } from '@/design/parts';
import { groups, type Operation, operationsOf, searched } from '@/model/openapi';
import { strings } from '@/strings';
import css from './ApiPage.module.css';
import { OperationView } from './OperationView';

const s = strings.api;
const route = getRouteApi('/api');

function Row({ operation, open }: { operation: Operation; open: boolean }) {
  const { id, method, own, built } = operation;
  return (
    <li>
      <Link
        to="/api"
        search={(now) => ({ ...now, op: id })}
        replace
        className={css['row']}
        aria-current={open ? 'true' : undefined}
      >
        <span className={css['method']}>{method}</span>
        <span className="sk-ellipsis">{id}</span>
        {!built && <span className={css['rowNote']}>{s.unbuilt}</span>}
        {built && own && <span className={css['rowNote']}>{s.own}</span>}
      </Link>
    </li>
  );
}

function Operations({ operations, open }: { operations: readonly Operation[]; open: string | undefined }) {
  if (operations.length === 0) return <p className={css['none']}>{s.none}</p>;
  return groups.map((group) => {
    const own = operations.filter((o) => o.group === group);
    if (own.length === 0) return null;
    return (
      <section key={group} aria-label={s.groups[group]}>
        <h2 className={css['group']}>
          {s.groups[group]}
          <span className="sk-num">{own.length}</span>
        </h2>
        <ul className={css['rows']}>
          {own.map((o) => (
            <Row key={o.id} operation={o} open={o.id === open} />
          ))}
        </ul>
      </section>
    );
  });
}

/** The methods of the HTTP API, from the document that describes them. */
export function ApiPage() {
  const { op, q = '', all } = route.useSearch();
  const { data: doc, error, refetch } = useQuery(openApiQuery);
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const ns = useSettings().namespace || config.defaultNamespace;
  const every = useMemo(() => (doc ? operationsOf(doc) : []), [doc]);
  const unbuilt = every.filter((o) => !o.built).length;
  const found = searched(every.filter((o) => o.built || all === '1'), q);
  const open = every.find((o) => o.id === op);
  useShortcuts([{ keys: '/', does: s.find, group: s.title, run: () => field.current?.focus() }]);
  const search = (change: object) =>
    void navigate({ to: '/api', search: (now) => ({ ...now, ...change }), replace: true });
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  return (
    <div className={css['page']} data-open={open ? true : undefined}>
      <h1 className="sk-hidden">{s.title}</h1>
      <div className={css['side']}>
        <div className={css['tools']}>
          <TextInput
            ref={field}
            type="search"
            aria-label={s.search}
            placeholder={s.search}
            leftSection={<Icon name="search" />}
            value={q}
            onChange={(event) => search({ q: event.currentTarget.value || undefined })}
          />
          <div className={css['toolRow']}>
            <Checkbox
              size="xs"
              label={s.all(unbuilt)}
              checked={all === '1'}
              onChange={(event) => search({ all: event.currentTarget.checked ? '1' : undefined })}
            />
            <a href={url('openapi.json')} target="_blank" rel="noreferrer">
              {s.document}
            </a>
          </div>
        </div>
        <nav className={css['list']} aria-label={s.list}>
          {doc ? <Operations operations={found} open={op} /> : <p className={css['none']}>{strings.common.loading}</p>}
        </nav>
      </div>
      <div className={css['detail']}>
        {doc && open ? (
          <OperationView key={open.id} doc={doc} operation={open} ns={ns} />
        ) : (
          doc && <EmptyState title={s.choose}>{s.intro}</EmptyState>
        )}
      </div>
    </div>
  );
}
