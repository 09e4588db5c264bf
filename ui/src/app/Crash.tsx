import { Button } from '@mantine/core';
import { ApiError } from '@/api/errors';
import { EmptyState, ErrorPanel } from '@/design/parts';
import { strings } from '@/strings';

/** A page threw: an answer of the server that it did not expect, or a mistake of ours. */
export function Crash({ error, reset }: { error: unknown; reset?: () => void }) {
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
