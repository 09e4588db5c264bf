/**
 * The query language of lists, as far as the UI writes it: quoting, joining with AND, and taking a
 * filter apart into the conditions that stand between its outermost ANDs.
 */

/** A value as the language wants it. */
export function quote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A column's name; such as are no plain word stand in backticks. */
export function columnText(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `\`${name}\``;
}

export type TokenKind = 'name' | 'keyword' | 'string' | 'number' | 'operator' | 'paren' | 'other';

export interface Token {
  kind: TokenKind;
  from: number;
  to: number;
  text: string;
}

const keywords = new Set(['AND', 'OR', 'NOT', 'IN', 'BETWEEN', 'IS', 'NULL', 'STARTS_WITH', 'TRUE', 'FALSE']);
const pattern =
  /(?<string>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(?<ticked>`[^`]*`?)|(?<number>[+-]?\d[\w.:+-]*)|(?<name>[A-Za-z_][\w.-]*)|(?<operator>[<>!=]+)|(?<paren>[(),])|(?<other>\S)/g;

/** The tokens of a filter, however broken it is. */
export function tokens(text: string): Token[] {
  return [...text.matchAll(pattern)].map((match) => {
    const g = match.groups ?? {};
    const word = g['name'];
    const kind: TokenKind =
      g['string'] !== undefined
        ? 'string'
        : g['ticked'] !== undefined
          ? 'name'
          : g['number'] !== undefined
            ? 'number'
            : word !== undefined
              ? keywords.has(word.toUpperCase())
                ? 'keyword'
                : 'name'
              : g['operator'] !== undefined
                ? 'operator'
                : g['paren'] !== undefined
                  ? 'paren'
                  : 'other';
    return { kind, from: match.index, to: match.index + match[0].length, text: match[0] };
  });
}

export interface Condition {
  from: number;
  to: number;
  text: string;
}

const isWord = (token: Token | undefined, word: string) =>
  token?.kind === 'keyword' && token.text.toUpperCase() === word;

/**
 * The conditions between the outermost ANDs; a filter with an OR outside parentheses is one condition.
 * `BETWEEN a AND b` stays whole.
 */
export function conditions(text: string): Condition[] {
  const all = tokens(text);
  const found: Token[][] = [[]];
  let depth = 0;
  let between = false;
  for (const token of all) {
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
    if (depth === 0 && isWord(token, 'OR')) return whole(all, text);
    if (depth === 0 && isWord(token, 'BETWEEN')) between = true;
    if (depth === 0 && isWord(token, 'AND')) {
      if (between) between = false;
      else {
        found.push([]);
        continue;
      }
    }
    found.at(-1)?.push(token);
  }
  return found.flatMap((part) => whole(part, text));
}

function whole(part: readonly Token[], text: string): Condition[] {
  const first = part[0];
  const last = part.at(-1);
  if (!first || !last) return [];
  return [{ from: first.from, to: last.to, text: text.slice(first.from, last.to) }];
}

/** Both filters at once. */
export function both(a: string, b: string): string {
  const [left, right] = [a.trim(), b.trim()];
  if (!left || !right) return left || right;
  return `${guarded(left)} AND ${guarded(right)}`;
}

/** A filter with an OR outside parentheses gets a pair. */
function guarded(text: string): string {
  let depth = 0;
  for (const token of tokens(text)) {
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
    if (depth === 0 && isWord(token, 'OR')) return `(${text})`;
  }
  return text;
}

export function without(text: string, condition: Condition): string {
  return conditions(text)
    .filter((c) => c.from !== condition.from)
    .map((c) => c.text)
    .join(' AND ');
}

const unquote = (text: string) => text.slice(1, -1).replace(/\\(.)/g, '$1');

/** The statuses that a filter asks for, if it does so in one condition of its own. */
export function statusesOf(text: string): { condition: Condition; statuses: string[] } | undefined {
  for (const condition of conditions(text)) {
    const [name, operator, ...rest] = tokens(condition.text);
    if (name?.text.replaceAll('`', '') !== 'ExecutionStatus') continue;
    const values = rest.filter((t) => t.kind === 'string').map((t) => unquote(t.text));
    const one = operator?.text === '=' && values.length === 1 && rest.length === 1;
    const list = isWord(operator, 'IN') && rest.every((t) => ['string', 'paren'].includes(t.kind));
    if (one || list) return { condition, statuses: values };
  }
  return undefined;
}

/** The filter with these statuses and its other conditions; none means all. */
export function withStatuses(text: string, statuses: readonly string[]): string {
  const now = statusesOf(text);
  const rest = now ? without(text, now.condition) : text;
  if (statuses.length === 0) return rest.trim();
  const wanted =
    statuses.length === 1
      ? `ExecutionStatus = ${quote(statuses[0] ?? '')}`
      : `ExecutionStatus IN (${statuses.map(quote).join(', ')})`;
  return both(wanted, rest);
}

/** The filter without its condition on the status: what the status counts are taken of. */
export function withoutStatus(text: string): string {
  return withStatuses(text, []);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What somebody means who types this into a search box: an id's beginning, or a whole run id. */
export function idQuery(wanted: string): string {
  const text = wanted.trim();
  const byId = `WorkflowId STARTS_WITH ${quote(text)}`;
  return uuid.test(text) ? `${byId} OR RunId = ${quote(text)}` : byId;
}

/** Where in the filter an error of the server is: `at position 12, near "x"` counts bytes from 1. */
export function errorPosition(message: string, text: string): number | undefined {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return undefined;
  const bytes = new TextEncoder().encode(text).slice(0, Math.max(Number(position) - 1, 0));
  return Math.min(new TextDecoder().decode(bytes).length, text.length);
}
