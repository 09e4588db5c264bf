import { Modal } from '@mantine/core';
import { CatchBoundary } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Crash } from '@/app/Crash';
import { strings } from '@/strings';
import { closeAction, useOpenAction } from './open';

const RunActionDialog = lazy(() => import('./RunActionDialog').then((m) => ({ default: m.RunActionDialog })));
const StartDialog = lazy(() => import('./StartDialog').then((m) => ({ default: m.StartDialog })));

/** Shows the dialog that a page opened. Where that fails, as when the server is away, the page stays. */
export function ActionHost() {
  const action = useOpenAction();
  if (!action) return null;
  return (
    <CatchBoundary getResetKey={() => action.kind} errorComponent={Unopened}>
      <Suspense fallback={null}>
        {'targets' in action ? <RunActionDialog action={action} /> : <StartDialog action={action} />}
      </Suspense>
    </CatchBoundary>
  );
}

function Unopened({ error }: { error: unknown }) {
  return (
    <Modal opened onClose={closeAction} title={strings.actions.unopened} size={540} closeButtonProps={{ 'aria-label': strings.common.close }}>
      <Crash error={error} />
    </Modal>
  );
}
