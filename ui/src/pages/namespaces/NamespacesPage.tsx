import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ActionButton } from '@/actions/ActionButton';
import { whyNot } from '@/actions/RunActions';
import { type Namespace, namespacesQuery } from '@/api/namespaces';
import { ErrorPanel, Page } from '@/design/parts';
import { SimpleTable } from '@/design/SimpleTable';
import { retentionText } from '@/model/retention';
import { strings } from '@/strings';
import css from './NamespacesPage.module.css';
import { NamespaceDialog } from './NamespaceDialog';

const s = strings.namespaces;

export function stateWord(namespace: Namespace): string {
  const words: Record<string, string> = s.states;
  return words[namespace.namespaceInfo?.state ?? ''] ?? '';
}

const nameOf = (n: Namespace) => n.namespaceInfo?.name ?? '';

const columns = [
  {
    name: s.name,
    width: '26%',
    cell: (n: Namespace) => (
      <Link to="/namespaces/$ns/workflows" params={{ ns: nameOf(n) }} search={{}}>
        {nameOf(n)}
      </Link>
    ),
  },
  { name: s.state, width: '120px', lead: true, cell: stateWord },
  {
    name: s.retention,
    width: '90px',
    numeric: true,
    cell: (n: Namespace) => retentionText(n.config?.workflowExecutionRetentionTtl),
  },
  { name: s.description, wideOnly: true, cell: (n: Namespace) => n.namespaceInfo?.description || strings.common.none },
  { name: s.owner, width: '20%', wideOnly: true, cell: (n: Namespace) => n.namespaceInfo?.ownerEmail || strings.common.none },
  {
    name: s.settings,
    width: '90px',
    silent: true,
    cell: (n: Namespace) => (
      <Link to="/namespaces/$ns/settings" params={{ ns: nameOf(n) }} aria-label={`${s.settings}: ${nameOf(n)}`}>
        {s.settings}
      </Link>
    ),
  },
];

/** All namespaces of the server. */
export function NamespacesPage() {
  const { data, error, refetch } = useQuery(namespacesQuery);
  const [creating, setCreating] = useState(false);
  const rows = [...(data ?? [])].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  return (
    <Page
      bar={
        <div className={css['bar']}>
          <h1>{s.title}</h1>
          <ActionButton filled why={whyNot('start', true)} onClick={() => setCreating(true)}>
            {s.create}
          </ActionButton>
        </div>
      }
    >
      {error ? (
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <p className={css['note']}>{strings.common.loading}</p>
      ) : (
        <SimpleTable label={s.title} columns={columns} rows={rows} rowKey={nameOf} />
      )}
      {creating && <NamespaceDialog namespace={undefined} onClose={() => setCreating(false)} />}
    </Page>
  );
}
