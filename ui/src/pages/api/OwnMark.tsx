import { Tooltip } from '@mantine/core';
import { strings } from '@/strings';
import css from './ApiPage.module.css';

/** Says that a route is none of Temporal's. */
export function OwnMark() {
  return (
    <Tooltip label={strings.api.ownHint}>
      <span className={css['own']}>{strings.api.own}</span>
    </Tooltip>
  );
}
