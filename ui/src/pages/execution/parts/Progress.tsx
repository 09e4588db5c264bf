import { UnstyledButton } from '@mantine/core';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { useRun } from '../run';
import css from './Progress.module.css';

const s = executionStrings;

/** How much of a long history is there, while the rest arrives. */
export function Progress() {
  const { state, store } = useRun();
  const { log, total } = state;
  if (state.historyError && log.size > 0) {
    return (
      <span className={css['failed']}>
        {s.history.failed}{' '}
        <UnstyledButton className={css['retry']} onClick={() => store.refresh()}>
          {strings.common.retry}
        </UnstyledButton>
      </span>
    );
  }
  if (log.size === 0 || state.loading === 'done' || total === 0) return null;
  return (
    <span className={css['progress']}>
      <progress max={total} value={log.size} aria-label={s.timeline.loadingOlder} />
      {s.timeline.loaded(log.size, total)}
    </span>
  );
}
