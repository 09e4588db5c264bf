import { Button } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { decoder } from '@/api/decoder';
import { Icon } from '@/design/icons';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import css from '../Notices.module.css';
import { useCodecEndpoint } from './codec';

const s = executionStrings.payload;

/** Said once a page, not at each payload: the codec does not decode. */
export function CodecNotice() {
  const endpoint = useCodecEndpoint();
  const error = useSyncExternalStore(decoder.subscribe, decoder.error);
  if (!endpoint || !error) return null;
  const denied = error.status === 401 || error.status === 403;
  return (
    <p className={css['notice']} data-tone="amber" role="alert">
      <Icon name="attention" />
      <span className={css['text']}>
        {s.codecFailed(endpoint, error.message)} {denied && s.codecDenied}
      </span>
      <Button onClick={() => decoder.retry()}>{strings.common.retry}</Button>
    </p>
  );
}
