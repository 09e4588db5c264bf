/*
 * Coverage of src/ by the unit tests and by the browser's, merged: a statement counts if either ran it.
 *
 *   node build/coverage.mjs UNIT DIST BROWSER REPORT LEAST
 *
 * UNIT is vitest's coverage-final.json, which also says what the statements are; DIST the built UI with
 * its source maps; BROWSER the folder of what Chromium counted in DIST's scripts (tests/browser/run.py
 * --coverage). Writes a table by file to REPORT and fails below LEAST per cent.
 *
 * The browser ran bundled, minified code. Each statement's start is looked up in the source map, and
 * counts as run if the bundle's code at that place was. What the bundler dropped was not run.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { generatedPositionFor, LEAST_UPPER_BOUND, TraceMap } from '@jridgewell/trace-mapping';

const [unitFile, dist, browserFolder, report, least] = process.argv.slice(2);
const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');

/** One script of the bundle: which of its bytes ran, and how to find a place of the sources in it. */
class Script {
  constructor(file) {
    const code = readFileSync(file, 'utf8');
    this.ran = new Uint8Array(code.length);
    this.lines = [0];
    for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1)) this.lines.push(at + 1);
    this.map = new TraceMap(readFileSync(`${file}.map`, 'utf8'));
    // Such as ../../src/main.tsx: what matters is from src/ on.
    this.sources = new Map(
      this.map.sources.flatMap((source) => {
        const at = source?.lastIndexOf('/src/') ?? -1;
        return at < 0 || source.includes('node_modules') ? [] : [[source.slice(at + 1), source]];
      })
    );
  }

  /** Adds what one page counted. Functions come outer first, and so do the ranges in them. */
  add(functions) {
    const page = new Uint8Array(this.ran.length);
    for (const { ranges } of functions)
      for (const { startOffset, endOffset, count } of ranges)
        page.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    for (let i = 0; i < page.length; i++) this.ran[i] |= page[i];
  }

  didRun(path, { line, column }) {
    const source = this.sources.get(path);
    if (source === undefined) return false;
    const at = generatedPositionFor(this.map, { source, line, column, bias: LEAST_UPPER_BOUND });
    return at.line !== null && this.ran[this.lines[at.line - 1] + at.column] === 1;
  }
}

function readScripts() {
  const scripts = new Map();
  for (const name of readdirSync(join(dist, 'assets')))
    if (existsSync(join(dist, 'assets', `${name}.map`)))
      scripts.set(name, new Script(join(dist, 'assets', name)));
  for (const file of readdirSync(browserFolder))
    for (const { url, functions } of JSON.parse(readFileSync(join(browserFolder, file), 'utf8')))
      scripts.get(basename(new URL(url).pathname))?.add(functions);
  return [...scripts.values()];
}

function measure(scripts) {
  const files = Object.values(JSON.parse(readFileSync(unitFile, 'utf8')));
  return files.map(({ path, statementMap, s }) => {
    const name = relative(root, path);
    const statements = Object.entries(statementMap);
    const ran = ([id, { start }]) =>
      s[id] > 0 || scripts.some((script) => script.didRun(name, start));
    const missed = statements.filter((one) => !ran(one)).map(([, { start }]) => start.line);
    return { name, all: statements.length, missed: [...new Set(missed)], hit: statements.length - missed.length };
  });
}

const per = (hit, all) => (all === 0 ? 100 : (100 * hit) / all);
const files = measure(readScripts()).sort((a, b) => per(a.hit, a.all) - per(b.hit, b.all));
const hit = files.reduce((sum, file) => sum + file.hit, 0);
const all = files.reduce((sum, file) => sum + file.all, 0);
const lines = files.map(
  (file) =>
    `${per(file.hit, file.all).toFixed(0).padStart(4)} % ${`${file.hit}/${file.all}`.padStart(9)}  ` +
    `${file.name}${file.missed.length ? `  not: ${file.missed.join(' ')}` : ''}`
);
const summary = `UI: ${per(hit, all).toFixed(1)} % of ${all} statements`;
writeFileSync(report, [...lines, summary, ''].join('\n'));
console.log(summary);
if (all === 0 || per(hit, all) < Number(least)) {
  console.error(`that is under ${least} %; ${report} says what is missed`);
  process.exit(1);
}
