import { Tooltip } from '@mantine/core';
import { useEffect } from 'react';
import { get } from '@/api/client';
import { useAway } from '@/api/connection';
import { strings } from '@/strings';
import css from './Connection.module.css';

const retryMs = 2000;
const words = strings.shell.connection;

/** While the server is away one small call asks for it, for the whole page. */
function useRetry(away: boolean) {
  useEffect(() => {
    if (!away) return;
    const timer = setInterval(() => void get('system-info').catch(() => {}), retryMs);
    return () => clearInterval(timer);
  }, [away]);
}

/** Whether the server answers, beside the search: a word only when something is wrong. */
export function Connection() {
  const away = useAway();
  useRetry(away);
  if (!away) return null;
  return (
    <Tooltip label={words.offlineHint}>
      <span className={css['away']} role="status" tabIndex={0}>
        <span className={css['dot']} />
        {words.offline}
      </span>
    </Tooltip>
  );
}
