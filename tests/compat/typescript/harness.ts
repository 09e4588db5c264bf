/*
 * The smallest test runner that does: named tests, some at a time, a time limit each, one line of
 * output a test ("ok GROUP: NAME" or "not ok GROUP: NAME # why") for ../run.py to count.
 */
const LIMIT_MS = 240_000;
const AT_ONCE = Number(process.env.COMPAT_JOBS ?? 8);

type Body = () => Promise<void>;
const tests: { name: string; body: Body }[] = [];

export function test(name: string, body: Body): void {
  tests.push({ name, body });
}

export async function runTests(pattern: RegExp): Promise<void> {
  const queue = tests.filter(({ name }) => pattern.test(name));
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      let line = `ok ${next.name}`;
      try {
        await within(next.body(), LIMIT_MS);
      } catch (err) {
        line = `not ok ${next.name} # ${oneLine(err)}`;
      }
      console.log(line);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function oneLine(err: unknown): string {
  const parts: string[] = [];
  for (let at = err as Error | undefined; at; at = at.cause as Error | undefined)
    parts.push(`${at.name}: ${at.message}`);
  return parts.join(' <- ').replace(/\s+/g, ' ').slice(0, 400);
}
