import { QueryClient } from '@tanstack/react-query';
import { isAway, subscribeConnection } from './connection';
import { ApiError } from './errors';

const retries = 2;

/** What a client should not have asked will not be right the next time. */
function worthAnotherTry(count: number, error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return count < retries && (error.is('UNAVAILABLE') || error.is('DEADLINE_EXCEEDED')) && !isAway();
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: worthAnotherTry,
      staleTime: 2_000,
      gcTime: 5 * 60_000,
      networkMode: 'always',
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});

// When the server is back, everything on the page is asked for again.
let wasAway = false;
subscribeConnection(() => {
  if (wasAway && !isAway()) void queryClient.invalidateQueries();
  wasAway = isAway();
});
