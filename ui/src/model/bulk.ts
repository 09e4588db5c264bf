/**
 * One thing done to many runs: a few at a time, each failure kept, stopped on request. The server has no
 * method for batches yet; this is the browser's own way, and only as long as its page is open.
 */
export interface BulkProgress<T> {
  readonly total: number;
  readonly done: number;
  readonly failures: readonly { item: T; reason: string }[];
  readonly stopped: boolean;
  readonly finished: boolean;
}

export interface BulkOptions<T> {
  readonly items: readonly T[];
  readonly run: (item: T) => Promise<unknown>;
  readonly onProgress: (progress: BulkProgress<T>) => void;
  readonly signal: AbortSignal;
  readonly atOnce?: number;
}

const atOnceDefault = 8;

export async function runBulk<T>(options: BulkOptions<T>): Promise<BulkProgress<T>> {
  const { items, run, onProgress, signal } = options;
  const failures: { item: T; reason: string }[] = [];
  let next = 0;
  let done = 0;
  const progress = (finished: boolean): BulkProgress<T> => ({
    total: items.length,
    done,
    failures: [...failures],
    stopped: signal.aborted,
    finished,
  });
  const worker = async () => {
    while (next < items.length && !signal.aborted) {
      const item = items[next++] as T;
      try {
        await run(item);
      } catch (error) {
        failures.push({ item, reason: error instanceof Error ? error.message : String(error) });
      }
      done++;
      onProgress(progress(false));
    }
  };
  await Promise.all(Array.from({ length: options.atOnce ?? atOnceDefault }, worker));
  const last = progress(true);
  onProgress(last);
  return last;
}
