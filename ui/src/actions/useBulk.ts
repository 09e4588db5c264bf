import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import type { RunRef } from '@/api/actions';
import { type BulkProgress, runBulk } from '@/model/bulk';
import type { RunAction } from './open';
import { gather } from './targets';

export type BulkState = BulkProgress<RunRef> | { gathering: number };

/** Gathers what an action reaches and does it to each, with a way to stop. */
export function useBulk(action: RunAction, perform: (run: RunRef) => Promise<unknown>, onSettled: () => void) {
  const [state, setState] = useState<BulkState>();
  const abort = useRef<AbortController>(undefined);
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () => {
      const controller = new AbortController();
      abort.current = controller;
      setState({ gathering: 0 });
      const items = await gather(action.kind, action.ns, action.targets, controller.signal, (n) =>
        setState({ gathering: n }),
      );
      return runBulk({ items, signal: controller.signal, run: perform, onProgress: setState });
    },
    onSettled,
  });
  return { state, error, isPending, run: () => mutate(), stop: () => abort.current?.abort() };
}
