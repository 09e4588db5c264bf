import { Link } from '@tanstack/react-router';
import type { MouseEvent, ReactNode } from 'react';
import { CopyButton } from '@/design/CopyButton';
import { Id } from '@/design/Id';
import { StateBadge } from '@/design/StateBadge';
import { workflowState } from '@/design/states';
import { Duration, Time } from '@/design/Time';
import type { Column } from '@/model/columns';
import { sizeWords } from '@/model/payloads';
import type { ExecutionInfo } from '@/model/proto';
import { strings } from '@/strings';
import css from './WorkflowTable.module.css';

/** The link that a row is: real, so that it can be opened in a new tab. */
export function RunLink(props: {
  ns: string;
  row: ExecutionInfo;
  index: number;
  children?: ReactNode;
  onClick?: (event: MouseEvent) => void;
}) {
  const workflowId = props.row.execution?.workflowId ?? '';
  const runId = props.row.execution?.runId ?? '';
  return (
    <Link
      to="/namespaces/$ns/workflows/$workflowId/$runId"
      params={{ ns: props.ns, workflowId, runId }}
      className={css['link']}
      aria-label={workflowId}
      data-row={props.index}
    >
      {props.children ?? <Id value={workflowId} what={strings.workflows.columns.workflowId} copy={false} />}
    </Link>
  );
}

/** What stands in a column of a row. */
export function Cell({ ns, row, column, index }: { ns: string; row: ExecutionInfo; column: Column; index: number }) {
  const value = column.value(row);
  switch (column.kind) {
    case 'status':
      return <StateBadge state={workflowState(row.status)} />;
    case 'time':
      return <Time at={typeof value === 'string' ? value : undefined} />;
    case 'duration':
      return <Duration from={row.executionTime ?? row.startTime} to={row.closeTime} />;
    case 'id':
      if (column.id === 'workflowId')
        return (
          <>
            <RunLink ns={ns} row={row} index={index} />
            <CopyButton text={String(value ?? '')} what={column.name} className={css['copy']} inList />
          </>
        );
      return value ? <Id value={String(value)} what={column.name} /> : <None />;
    case 'bytes':
      return value === undefined ? <None /> : <span>{sizeWords(Number(value))}</span>;
    case 'number':
      return value === undefined ? <None /> : <span>{Number(value).toLocaleString('en')}</span>;
    default:
      return value === undefined ? <None /> : <span className="sk-ellipsis" title={String(value)}>{value}</span>;
  }
}

function None() {
  return <span className="sk-dim">{strings.common.none}</span>;
}
