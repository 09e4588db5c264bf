import { Button } from '@mantine/core';
import { ActionButton } from '@/actions/ActionButton';
import { openAction, type RunActionKind, type Targets } from '@/actions/open';
import { whyNot } from '@/actions/RunActions';
import { statusName } from '@/design/states';
import type { ExecutionInfo } from '@/model/proto';
import { strings } from '@/strings';
import css from './WorkflowsPage.module.css';

const s = strings.workflows.selection;
const a = strings.actions;

export interface SelectionProps {
  ns: string;
  query: string;
  rows: readonly ExecutionInfo[];
  everything: boolean;
  total: number | undefined;
  onEverything: () => void;
  onClear: () => void;
  onDone: () => void;
}

const isRunning = (row: ExecutionInfo) => statusName(row.status) === 'Running';

function targetsOf({ everything, query, rows }: SelectionProps): Targets {
  if (everything) return { of: 'query', query };
  return {
    of: 'some',
    runs: rows.map((row) => ({
      run: { workflowId: row.execution?.workflowId ?? '', runId: row.execution?.runId },
      running: isRunning(row),
    })),
  };
}

/** What can be done with the selected rows; stands where the chips were, so that nothing below moves. */
export function SelectionBar(props: SelectionProps) {
  const { ns, rows, everything, total, onEverything, onClear, onDone } = props;
  const running = everything || rows.some(isRunning);
  const button = (kind: RunActionKind, name: string) => {
    const why = whyNot(kind, running);
    return (
      <ActionButton
        why={why}
        onClick={() =>
          openAction({
            kind,
            ns,
            targets: targetsOf(props),
            onDone: () => {
              onClear();
              onDone();
            },
          })
        }
      >
        {name}
      </ActionButton>
    );
  };
  return (
    <div className={css['selection']} role="toolbar" aria-label={s.count(rows.length)}>
      <strong>{everything && total !== undefined ? s.everything(total) : s.count(rows.length)}</strong>
      {!everything && total !== undefined && total > rows.length && (
        <Button variant="subtle" onClick={onEverything}>
          {s.all(total)}
        </Button>
      )}
      <Button variant="subtle" color="gray" onClick={onClear}>
        {s.clear}
      </Button>
      <div className={css['selectionActions']}>
        {button('signal', a.signal)}
        {button('cancel', a.cancel)}
        {button('terminate', a.terminate)}
        {button('delete', a.delete)}
      </div>
    </div>
  );
}
