import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ActionButton } from '@/actions/ActionButton';
import { whyNot } from '@/actions/RunActions';
import { clusterQuery, readyQuery, systemQuery } from '@/api/admin';
import { type Namespace, namespaceQuery } from '@/api/namespaces';
import { searchAttributesQuery } from '@/api/searchAttributes';
import { config } from '@/app/config';
import { Id } from '@/design/Id';
import { ErrorPanel, Fact, Facts, Page, Panel } from '@/design/parts';
import { SimpleTable } from '@/design/SimpleTable';
import { StateBadge } from '@/design/StateBadge';
import { queueStates } from '@/design/states';
import type { Field } from '@/model/completion';
import { retentionText } from '@/model/retention';
import { NamespaceDialog } from '@/pages/namespaces/NamespaceDialog';
import { stateWord } from '@/pages/namespaces/NamespacesPage';
import { strings } from '@/strings';
import { AddAttributeDialog, DeleteNamespaceDialog, RemoveAttributeDialog } from './dialogs';
import css from './SettingsPage.module.css';

const s = strings.namespaces;
const route = getRouteApi('/namespaces/$ns/settings');

function NamespacePanel({ namespace }: { namespace: Namespace }) {
  const [open, setOpen] = useState<'edit' | 'delete'>();
  const info = namespace.namespaceInfo;
  const why = whyNot('start', true);
  return (
    <Panel
      title={s.panel}
      aside={
        <>
          <ActionButton why={why} onClick={() => setOpen('edit')}>
            {s.edit}
          </ActionButton>
          <ActionButton why={why} onClick={() => setOpen('delete')}>
            {strings.actions.delete}
          </ActionButton>
        </>
      }
    >
      <Facts>
        <Fact name={s.name}>{info?.name}</Fact>
        <Fact name={s.state}>{stateWord(namespace)}</Fact>
        <Fact name={s.retention}>{retentionText(namespace.config?.workflowExecutionRetentionTtl)}</Fact>
        <Fact name={s.description}>{info?.description || strings.common.none}</Fact>
        <Fact name={s.owner}>{info?.ownerEmail || strings.common.none}</Fact>
        {Object.entries(info?.data ?? {}).map(([key, value]) => (
          <Fact key={key} name={key}>
            {value}
          </Fact>
        ))}
        <Fact name={s.id}>
          <Id value={info?.id ?? ''} what={s.id} />
        </Fact>
      </Facts>
      {open === 'edit' && <NamespaceDialog namespace={namespace} onClose={() => setOpen(undefined)} />}
      {open === 'delete' && <DeleteNamespaceDialog name={info?.name ?? ''} onClose={() => setOpen(undefined)} />}
    </Panel>
  );
}

function AttributesPanel({ ns }: { ns: string }) {
  const { data = [], error } = useQuery(searchAttributesQuery(ns));
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<string>();
  const why = whyNot('start', true);
  const columns = [
    { name: s.attributes.name, cell: (f: Field) => f.name },
    { name: s.attributes.type, width: '35%', cell: (f: Field) => f.type },
    {
      name: s.attributes.column,
      silent: true,
      width: '110px',
      numeric: true,
      cell: (f: Field) =>
        why === undefined && (
          <Button
            variant="subtle"
            color="gray"
            size="compact-xs"
            aria-label={s.attributes.removeTitle(f.name)}
            onClick={() => setRemoving(f.name)}
          >
            {s.attributes.remove}
          </Button>
        ),
    },
  ];
  return (
    <Panel
      title={s.attributes.title}
      aside={
        <ActionButton why={why} onClick={() => setAdding(true)}>
          {s.attributes.add}
        </ActionButton>
      }
    >
      {error && <ErrorPanel error={error} />}
      {data.length === 0 ? (
        <p className="sk-dim">{s.attributes.none}</p>
      ) : (
        <div className={css['flush']}>
          <SimpleTable label={s.attributes.title} columns={columns} rows={data} rowKey={(f) => f.name} />
        </div>
      )}
      {adding && <AddAttributeDialog ns={ns} onClose={() => setAdding(false)} />}
      {removing && <RemoveAttributeDialog ns={ns} name={removing} onClose={() => setRemoving(undefined)} />}
    </Panel>
  );
}

function Health() {
  const { data } = useQuery(readyQuery);
  if (data === undefined) return <>{strings.common.loading}</>;
  return (
    <StateBadge
      state={
        data ? { ...queueStates.flowing, word: s.server.healthy } : { ...queueStates.unpolled, word: s.server.unhealthy }
      }
    />
  );
}

function ServerPanel() {
  const { data: cluster } = useQuery(clusterQuery);
  const { data: system } = useQuery(systemQuery);
  const able = Object.entries(system?.capabilities ?? {}).flatMap(([name, on]) => (on ? name : []));
  return (
    <Panel title={s.server.title}>
      <Facts>
        <Fact name={s.server.health}>
          <Health />
        </Fact>
        <Fact name={s.server.version}>
          {config.version}
          {cluster?.serverVersion && <span className="sk-dim">, {s.server.compatible(cluster.serverVersion)}</span>}
        </Fact>
        <Fact name={s.server.grpc}>
          <Id value={config.grpcAddress} what={s.server.grpc} />
        </Fact>
        <Fact name={s.server.cluster}>{cluster?.clusterName}</Fact>
        <Fact name={s.server.store}>{cluster?.persistenceStore}</Fact>
        <Fact name={s.server.shards}>{cluster?.historyShardCount?.toLocaleString('en')}</Fact>
        <Fact name={s.server.capabilities}>{able.join(', ')}</Fact>
        <Fact name={strings.api.title}>
          <Link to="/api">{strings.api.list}</Link>
        </Fact>
      </Facts>
    </Panel>
  );
}

/** One namespace's settings, and what server this is. */
export function SettingsPage() {
  const { ns } = route.useParams();
  const { data, error, refetch } = useQuery(namespaceQuery(ns));
  return (
    <Page
      bar={
        <div className={css['bar']}>
          <h1>
            {s.settings}: {ns}
          </h1>
          <Link to="/namespaces">{strings.shell.allNamespaces}</Link>
        </div>
      }
    >
      {error ? (
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      ) : (
        <div className={css['grid']}>
          {data && <NamespacePanel namespace={data} />}
          <AttributesPanel ns={ns} />
          <ServerPanel />
        </div>
      )}
    </Page>
  );
}
