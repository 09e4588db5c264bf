import type { MouseEvent } from 'react';
import { Icon } from '@/design/icons';
import { type WorkflowStatus, workflowStates } from '@/design/states';
import { statusesOf, withStatuses } from '@/model/query';
import { strings } from '@/strings';
import css from './StatusChips.module.css';

const s = strings.workflows;
/** Shown even where there are none: whether something failed is worth an answer. */
const always: readonly string[] = ['Running', 'Completed', 'Failed'];

interface Props {
  query: string;
  counts: ReadonlyMap<string, number> | undefined;
  onQuery: (query: string) => void;
}

/** Statuses and how many there are; a click filters by one, with Ctrl or Shift by several. */
export function StatusChips({ query, counts, onQuery }: Props) {
  const chosen = statusesOf(query)?.statuses ?? [];
  const total = [...(counts?.values() ?? [])].reduce((sum, n) => sum + n, 0);
  const shown = (Object.keys(workflowStates) as WorkflowStatus[]).filter(
    (name) => always.includes(name) || chosen.includes(name) || (counts?.get(name) ?? 0) > 0,
  );
  const toggle = (name: string, event: MouseEvent) => {
    const several = event.ctrlKey || event.metaKey || event.shiftKey;
    const on = chosen.includes(name);
    const rest = chosen.filter((c) => c !== name);
    onQuery(withStatuses(query, several ? (on ? rest : [...chosen, name]) : on && rest.length === 0 ? [] : [name]));
  };
  return (
    <div className={css['chips']} role="group" aria-label={s.statusFilter} title={s.statusHint}>
      <button type="button" className={css['chip']} aria-pressed={chosen.length === 0} onClick={() => onQuery(withStatuses(query, []))}>
        {s.all}
        {counts && <span className={css['count']}>{total.toLocaleString('en')}</span>}
      </button>
      {shown.map((name) => {
        const state = workflowStates[name];
        const count = counts?.get(name) ?? 0;
        return (
          <button
            key={name}
            type="button"
            className={css['chip']}
            aria-pressed={chosen.includes(name)}
            data-none={(counts !== undefined && count === 0) || undefined}
            onClick={(event) => toggle(name, event)}
          >
            <span className={`sk-tone-${state.tone}`}>
              <Icon name={state.mark} />
            </span>
            {state.word}
            {counts && <span className={css['count']}>{count.toLocaleString('en')}</span>}
          </button>
        );
      })}
    </div>
  );
}
