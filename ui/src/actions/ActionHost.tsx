import { Modal } from '@mantine/core';
import { CatchBoundary } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { Crash } from '@/app/Crash';
import { strings } from '@/strings';
import { closeAction, useOpenAction } from './open';

const forRuns = () => import('./RunActionDialog');
const forStart = () => import('./StartDialog');
const RunActionDialog = lazy(() => forRuns().then((m) => ({ default: m.RunActionDialog })));
const StartDialog = lazy(() => forStart().then((m) => ({ default: m.StartDialog })));

const aheadMs = 3_000; // after the first page has what it needs

/** Some 15 KB, fetched ahead: they are wanted at once, and also while the server is away. */
function useFetchedAhead() {
  useEffect(() => {
    const timer = setTimeout(() => void Promise.allSettled([forRuns(), forStart()]), aheadMs);
    return () => clearTimeout(timer);
  }, []);
}

/** Shows the dialog that a page opened. Where that fails, as when the server is away, the page stays. */
export function ActionHost() {
  useFetchedAhead();
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
