import { Button } from '@mantine/core';
import type { ExecutionInfo } from '@/model/proto';
import { strings } from '@/strings';
import css from './WorkflowsPage.module.css';

const s = strings.workflows.selection;

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

/** What can be done with the selected rows; stands where the chips were, so that nothing below moves. */
export function SelectionBar(props: SelectionProps) {
  const { rows, everything, total, onEverything, onClear } = props;
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
    </div>
  );
}
