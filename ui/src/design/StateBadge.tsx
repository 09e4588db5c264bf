import { Icon } from './icons';
import type { State } from './states';

/** A state of the state table: its mark and its word. */
export function StateBadge({ state, iconOnly }: { state: State; iconOnly?: boolean }) {
  return (
    <span className={`sk-state sk-tone-${state.tone}`} title={iconOnly ? state.word : undefined}>
      <Icon name={state.mark} />
      <span className={iconOnly ? 'sk-hidden' : ''}>{state.word}</span>
    </span>
  );
}
