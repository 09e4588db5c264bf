import { ActionIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { findRuns, quoted, type RunId } from '@/api/executions';
import { Icon } from '@/design/icons';
import { ErrorPanel, Panel } from '@/design/parts';
import { StateBadge } from '@/design/StateBadge';
import { workflowState } from '@/design/states';
import { Duration, Time } from '@/design/Time';
import { familyRows, familyTrees, sameRun, type FamilyRow } from '@/model/family';
import type { Execution, ExecutionInfo } from '@/model/proto';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { useRun } from './run';
import css from './RelationsPage.module.css';

const s = executionStrings.relations;
const familyMax = 1000;
const chainMax = 100;
const refreshMs = 5000;

function RunLine(props: { run: ExecutionInfo; self: boolean; words: string; runId?: boolean }) {
  const { run, self, words, runId } = props;
  const { id } = useRun();
  const e = run.execution;
  return (
    <div className={css['run']}>
      <StateBadge state={workflowState(run.status)} />
      <span className={css['type']}>{run.type?.name}</span>
      {self ? (
        <span className={css['id']}>{e?.workflowId}</span>
      ) : (
        <Link
          to="/namespaces/$ns/workflows/$workflowId/$runId/relations"
          params={{ ns: id?.ns ?? '', workflowId: e?.workflowId ?? '', runId: e?.runId ?? '' }}
          className={css['id']}
        >
          {e?.workflowId}
        </Link>
      )}
      {words && <span className={css['words']}>{words}</span>}
      <span className={css['times']}>
        <Duration from={run.startTime} {...(run.closeTime ? { to: run.closeTime } : {})} />
        <Time at={run.startTime} />
      </span>
      {runId && <span className={css['runId']}>{e?.runId}</span>}
    </div>
  );
}

function FamilyLine(props: { row: FamilyRow; self: boolean; closed: boolean; onToggle: () => void; root: boolean }) {
  const { row, self, closed, onToggle, root } = props;
  const { children, run } = row.node;
  const words = [self ? s.thisRun : '', root && !self ? s.root : '', children.length > 0 ? s.children(children.length) : '']
    .filter(Boolean)
    .join(' · ');
  return (
    <li
      role="treeitem"
      aria-level={row.depth + 1}
      aria-selected={self}
      {...(children.length > 0 ? { 'aria-expanded': !closed } : {})}
      className={css['line']}
      style={{ paddingLeft: row.depth * 20 }}
    >
      {children.length > 0 ? (
        <ActionIcon size={20} aria-label={closed ? s.expand : s.collapse} onClick={onToggle}>
          <Icon name={closed ? 'right' : 'down'} size={12} />
        </ActionIcon>
      ) : (
        <span className={css['leaf']} />
      )}
      <RunLine run={run} self={self} words={words} />
    </li>
  );
}

function Family({ id, root }: { id: RunId; root: Execution }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(() => new Set());
  const query = `RootWorkflowId = ${quoted(root.workflowId ?? '')} AND RootRunId = ${quoted(root.runId ?? '')}`;
  const family = useQuery({
    queryKey: ['family', id.ns, root.workflowId, root.runId],
    queryFn: ({ signal }) => findRuns(id.ns, query, familyMax, signal),
    refetchInterval: refreshMs,
  });
  const trees = familyTrees(family.data?.runs ?? []);
  const rows = familyRows(trees, closed);
  const toggle = (runId: string): void => {
    const next = new Set(closed);
    if (!next.delete(runId)) next.add(runId);
    setClosed(next);
  };
  if (family.isError) return <ErrorPanel error={family.error} onRetry={() => void family.refetch()} />;
  if (family.isPending) return <p className="sk-dim">{strings.common.loading}</p>;
  return (
    <>
      <ul role="tree" aria-label={s.tree} className={css['tree']}>
        {rows.map((row) => {
          const runId = row.node.run.execution?.runId ?? '';
          return (
            <FamilyLine
              key={`${row.node.run.execution?.workflowId} ${runId}`}
              row={row}
              self={sameRun(row.node.run.execution, id)}
              root={sameRun(row.node.run.execution, root)}
              closed={closed.has(runId)}
              onToggle={() => toggle(runId)}
            />
          );
        })}
      </ul>
      {rows.length === 1 && <p className="sk-dim">{s.none}</p>}
      {family.data.more && (
        <p>
          {s.cut(familyMax)}{' '}
          <Link to="/namespaces/$ns/workflows" params={{ ns: id.ns }} search={{ q: query }}>
            {s.allChildren}
          </Link>
        </p>
      )}
    </>
  );
}

function Chain({ id, firstRunId }: { id: RunId; firstRunId: string | undefined }) {
  const query = `WorkflowId = ${quoted(id.workflowId)}`;
  const chain = useQuery({
    queryKey: ['chain', id.ns, id.workflowId],
    queryFn: ({ signal }) => findRuns(id.ns, query, chainMax, signal),
    refetchInterval: refreshMs,
  });
  if (chain.isError) return <ErrorPanel error={chain.error} onRetry={() => void chain.refetch()} />;
  if (chain.isPending) return <p className="sk-dim">{strings.common.loading}</p>;
  const runs = [...chain.data.runs].sort((a, b) => (b.startTime ?? '').localeCompare(a.startTime ?? ''));
  return (
    <>
      <ul className={css['tree']}>
        {runs.map((run, i) => {
          const self = sameRun(run.execution, id);
          const words = [
            self ? s.thisRun : '',
            i === 0 && runs.length > 1 ? s.newest : '',
            run.execution?.runId === firstRunId && runs.length > 1 ? s.firstRun : '',
          ];
          return (
            <li key={run.execution?.runId} className={css['line']}>
              <RunLine run={{ ...run, execution: { ...run.execution } }} self={self} words={words.filter(Boolean).join(' · ')} runId />
            </li>
          );
        })}
      </ul>
      {chain.data.more && (
        <Link to="/namespaces/$ns/workflows" params={{ ns: id.ns }} search={{ q: query }}>
          {s.allChildren}
        </Link>
      )}
    </>
  );
}

/** Parents, children and theirs as a tree, and the runs of the same id one after the other. */
export function RelationsPage() {
  const { id, state } = useRun();
  const info = state.describe?.workflowExecutionInfo;
  if (!id || !info) return null;
  const root = info.rootExecution?.workflowId ? info.rootExecution : { workflowId: id.workflowId, runId: id.runId };
  return (
    <div className={css['page']}>
      <Panel title={s.tree}>
        <Family id={id} root={root} />
      </Panel>
      <Panel title={s.chain}>
        <Chain id={id} firstRunId={info.firstRunId} />
      </Panel>
    </div>
  );
}
