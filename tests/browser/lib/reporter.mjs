/*
 * Prints a line a test for run.py: "ok FILE: NAME" or "not ok FILE: NAME # why", then the trace of a
 * failure, indented. Used with node --test-reporter, which loads no TypeScript.
 */
import { basename } from 'node:path';

function flat(text) {
  return text.replace(/\x1b\[[0-9;]*m/g, '').replace(/\s+/g, ' ').trim();
}

function* failure({ name, details }) {
  const { error } = details;
  if (error.failureType === 'subtestsFailed' || details.type === 'suite') return;
  const cause = error.cause ?? error;
  yield `not ok ${label(name)} # ${flat(String(cause?.message ?? cause)).slice(0, 600)}\n`;
  for (const line of String(cause?.stack ?? '').split('\n').slice(1, 12)) yield `    ${line.trim()}\n`;
}

/** A test's name begins with its file's (lib/stage.ts); a file that fails as a whole is named itself. */
function label(name) {
  return flat(isFile(name) ? `${basename(name, '.test.ts')}: the file as a whole` : name);
}

function isFile(name) {
  return name.endsWith('.test.ts');
}

const NOT_ASKED_FOR = 'test name does not match pattern';

export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type === 'test:fail') yield* failure(data);
    else if (type === 'test:stderr' || type === 'test:stdout') yield `    ${flat(data.message)}\n`;
    else if (data.skip === NOT_ASKED_FOR) continue;
    else if (type === 'test:pass' && data.details.type !== 'suite' && !isFile(data.name)) {
      const skipped = data.skip === undefined ? 'ok' : 'SKIP';
      yield `${skipped} ${label(data.name)}${data.skip ? `: ${data.skip}` : ''}\n`;
    }
  }
}
