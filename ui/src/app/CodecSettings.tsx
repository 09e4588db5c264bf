import { Checkbox, TextInput } from '@mantine/core';
import { codecAllowed, codecOrigin } from '@/api/codec';
import { decoder } from '@/api/decoder';
import { strings } from '@/strings';
import { config } from './config';
import { changeSettings, useSettings, type Settings } from './settings';

const s = strings.shell;

/** Where this browser has payloads decoded, and what it shows for it. */
export function CodecSettings() {
  const { codecEndpoint, codecCookies, codecAuthorization } = useSettings();
  const change = (settings: Partial<Settings>): void => {
    changeSettings(settings);
    decoder.retry(); // another codec, or another authorization, is another chance
  };
  const forbidden = codecEndpoint !== '' && !codecAllowed(codecEndpoint);
  const used = codecEndpoint || config.codecEndpoint;
  return (
    <>
      <TextInput
        label={s.codec}
        description={s.codecHint}
        placeholder={config.codecEndpoint ?? ''}
        value={codecEndpoint}
        error={forbidden && s.codecForbidden(codecOrigin())}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        onChange={(event) => change({ codecEndpoint: event.currentTarget.value.trim() })}
      />
      {used && (
        <>
          <TextInput
            type="password"
            autoComplete="off"
            label={s.codecAuthorization}
            description={s.codecAuthorizationHint}
            placeholder="Bearer …"
            value={codecAuthorization}
            inputWrapperOrder={['label', 'input', 'description']}
            onChange={(event) => change({ codecAuthorization: event.currentTarget.value.trim() })}
          />
          <Checkbox
            label={s.codecCookies}
            checked={codecCookies}
            onChange={(event) => change({ codecCookies: event.currentTarget.checked })}
          />
        </>
      )}
    </>
  );
}
