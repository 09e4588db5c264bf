import { Button } from '@mantine/core';
import { getRouteApi, Link, Outlet } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { quoted, type RunId } from '@/api/executions';
import { isCode } from '@/api/errors';
import { Icon } from '@/design/icons';
import { EmptyState, ErrorPanel } from '@/design/parts';
import { executionStrings } from '@/strings/execution';
import { Header } from './Header';
import { Notices } from './Notices';
import { RunContext, useRunStore, type Run } from './run';
import { runStore } from './runStore';
import { Tabs } from './Tabs';
import css from './ExecutionPage.module.css';

const s = executionStrings.header;
const route = getRouteApi('/namespaces/$ns/workflows/$workflowId/$runId');

/** One run: what it is, on every page of it, and below that the page. */
export function ExecutionPage() {
  const { ns, workflowId, runId } = route.useParams();
  const id = useMemo<RunId>(() => ({ ns, workflowId, runId }), [ns, workflowId, runId]);
  const store = useMemo(() => runStore(id), [id]);
  const state = useRunStore(store);
  const run = useMemo<Run>(() => ({ store, state, id }), [store, state, id]);
  const type = state.describe?.workflowExecutionInfo?.type?.name;
  useEffect(() => {
    document.title = [type, workflowId].filter(Boolean).join(' · ');
  }, [type, workflowId]);
  if (state.error && !state.describe) return <Failed error={state.error} id={id} retry={() => store.refresh()} />;
  return (
    <RunContext value={run}>
      <div className={css['page']}>
        <Header />
        <Tabs />
        <Notices />
        <div className={css['body']}>
          <Outlet />
        </div>
      </div>
    </RunContext>
  );
}

function Failed({ error, id, retry }: { error: unknown; id: RunId; retry: () => void }) {
  if (!isCode(error, 'NOT_FOUND')) return <ErrorPanel error={error} onRetry={retry} />;
  return (
    <>
      <h1 className="sk-hidden">{id.workflowId}</h1>
      <EmptyState title={s.notFound(id.workflowId)} icon="search">
        <p>{s.notFoundText}</p>
        <Button
          renderRoot={(props) => (
            <Link
              {...props}
              to="/namespaces/$ns/workflows"
              params={{ ns: id.ns }}
              search={{ q: `WorkflowId = ${quoted(id.workflowId)}` }}
            />
          )}
          leftSection={<Icon name="workflows" />}
        >
          {s.otherRuns}
        </Button>
      </EmptyState>
    </>
  );
}
