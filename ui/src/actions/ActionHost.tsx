import { lazy, Suspense } from 'react';
import { useOpenAction } from './open';

const RunActionDialog = lazy(() => import('./RunActionDialog').then((m) => ({ default: m.RunActionDialog })));
const StartDialog = lazy(() => import('./StartDialog').then((m) => ({ default: m.StartDialog })));

/** Shows the dialog that a page opened. */
export function ActionHost() {
  const action = useOpenAction();
  if (!action) return null;
  return (
    <Suspense fallback={null}>
      {'targets' in action ? <RunActionDialog action={action} /> : <StartDialog action={action} />}
    </Suspense>
  );
}
