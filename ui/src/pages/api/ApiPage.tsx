import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { get, url } from '@/api/client';
import { config } from '@/app/config';
import { Icon } from '@/design/icons';
import { CommandLine, EmptyState, ErrorPanel, Page } from '@/design/parts';
import { curl, inner, matches, type OpenApi, type Operation, operations, type Schema, typeWords } from '@/model/openapi';
import { strings } from '@/strings';
import css from './ApiPage.module.css';

const s = strings.api;
const depthMax = 8; // messages may hold themselves

interface FieldsProps {
  document: OpenApi;
  schema: Schema;
  depth: number;
}

function Fields({ document, schema, depth }: FieldsProps) {
  const members = Object.entries(schema.properties ?? {});
  if (schema.enum) return <p className={css['enum']}>{schema.enum.join(' · ')}</p>;
  if (members.length === 0) return <p className="sk-dim">{s.nothing}</p>;
  return (
    <ul className={css['fields']}>
      {members.map(([name, member]) => (
        <Field key={name} document={document} name={name} schema={member} depth={depth} />
      ))}
    </ul>
  );
}

/** A member; its own members are only made when it is opened. */
function Field({ document, name, schema, depth }: FieldsProps & { name: string }) {
  const [open, setOpen] = useState(false);
  const within = inner(document, schema);
  const opens = depth < depthMax && (within.properties !== undefined || within.enum !== undefined);
  const line = (
    <>
      <code>{name}</code> <span className={css['type']}>{typeWords(schema)}</span>
      {schema.description && <span className={css['about']}>{schema.description}</span>}
    </>
  );
  if (!opens) return <li className={css['leaf']}>{line}</li>;
  return (
    <li>
      <button type="button" className={css['field']} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'down' : 'right'} size={12} />
        {line}
      </button>
      {open && <Fields document={document} schema={within} depth={depth + 1} />}
    </li>
  );
}

function Details({ document, operation }: { document: OpenApi; operation: Operation }) {
  const { parameters, request, response } = operation;
  return (
    <div className={css['details']}>
      {operation.description && <p className={css['description']}>{operation.description}</p>}
      <p className="sk-dim sk-mono">{operation.grpc}</p>
      <CommandLine command={curl(operation, location.origin, config.base)} what={s.call} />
      {parameters.length > 0 && (
        <section>
          <h3>{s.parameters}</h3>
          <ul className={css['fields']}>
            {parameters.map((p) => (
              <li key={p.name} className={css['leaf']}>
                <code>{p.name}</code> <span className={css['type']}>{`${p.in} ${typeWords(p.schema ?? {})}`}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {request && (
        <section>
          <h3>{s.body}</h3>
          <Fields document={document} schema={inner(document, request)} depth={0} />
        </section>
      )}
      {response && (
        <section>
          <h3>{s.answer}</h3>
          <Fields document={document} schema={inner(document, response)} depth={0} />
        </section>
      )}
    </div>
  );
}

function Row({ document, operation }: { document: OpenApi; operation: Operation }) {
  const [open, setOpen] = useState(false);
  return (
    <li className={css['operation']}>
      <button type="button" className={css['head']} aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className={css['verb']}>{operation.verb}</span>
        <span className={css['name']}>{operation.name}</span>
        <code className={css['path']}>{operation.path}</code>
        {!operation.built && <span className={css['later']}>{s.later}</span>}
      </button>
      {open && <Details document={document} operation={operation} />}
    </li>
  );
}

/** What can be called over HTTP, from the server's own description of it. */
export function ApiPage() {
  const [wanted, setWanted] = useState('');
  const { data, error, refetch } = useQuery({
    queryKey: ['openapi'],
    staleTime: Infinity,
    queryFn: ({ signal }) => get<OpenApi>('openapi.json', { signal }),
  });
  const all = useMemo(() => (data ? operations(data) : []), [data]);
  const shown = all.filter((operation) => matches(operation, wanted));
  const tags = [...new Set(shown.map((operation) => operation.tag))];
  return (
    <Page
      bar={
        <div className={css['bar']}>
          <h1>{s.title}</h1>
          <TextInput
            aria-label={s.find}
            placeholder={s.find}
            leftSection={<Icon name="search" />}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
          />
          <a href={url('openapi.json')} target="_blank" rel="noreferrer" className={css['document']}>
            {s.document}
          </a>
        </div>
      }
    >
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {data && shown.length === 0 && <EmptyState title={s.none} icon="search" />}
      {data &&
        tags.map((tag) => (
          <section key={tag} aria-label={s.service[tag] ?? tag}>
            <h2 className={css['tag']}>{s.service[tag] ?? tag}</h2>
            <ul className={css['operations']}>
              {shown.map((o) => o.tag === tag && <Row key={o.key} document={data} operation={o} />)}
            </ul>
          </section>
        ))}
    </Page>
  );
}
