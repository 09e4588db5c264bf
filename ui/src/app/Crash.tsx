import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { get } from '@/api/client';
import { noteSilence, useAway } from '@/api/connection';
import { ApiError, codeOf } from '@/api/errors';
import { EmptyState, ErrorPanel } from '@/design/parts';
import { strings } from '@/strings';

const reloadedKey = 'skald.reloaded';
const reloadAgainMs = 10_000;

/** A part of the UI could not be fetched: the server is away, or it is another version by now. */
export function isMissingPart(error: unknown): boolean {
  const text = error instanceof Error ? error.message : '';
  return /dynamically imported module|preload CSS|module script failed|Importing a module/i.test(text);
}

/** Loads the page again, but not again and again. */
function reloadOnce() {
  const last = Number(sessionStorage.getItem(reloadedKey) ?? 0);
  if (Date.now() - last < reloadAgainMs) return;
  sessionStorage.setItem(reloadedKey, String(Date.now()));
  location.reload();
}

/** Waits for the server, then loads the page anew: with it comes the part that was missing. */
function MissingPart() {
  const away = useAway();
  useEffect(() => {
    let here = true;
    get('system-info').then(
      () => here && reloadOnce(),
      () => noteSilence(),
    );
    return () => {
      here = false;
    };
  }, [away]);
  return <ErrorPanel error={new ApiError(strings.common.errors.offline, codeOf('UNAVAILABLE'), 0)} />;
}

/** A page threw: an answer of the server that it did not expect, or a mistake of ours. */
export function Crash({ error, reset }: { error: unknown; reset?: () => void }) {
  if (isMissingPart(error)) return <MissingPart />;
  if (error instanceof ApiError)
    return <ErrorPanel error={error} {...(reset ? { onRetry: reset } : {})} />;
  return (
    <EmptyState title={strings.shell.crashed} icon="attention">
      <p>{strings.shell.crashedText}</p>
      <p className="sk-mono">{error instanceof Error ? error.message : String(error)}</p>
      <Button onClick={() => location.reload()}>{strings.shell.reload}</Button>
    </EmptyState>
  );
}
