import { strings } from '@/strings';
import { columnText, quote, type Token, tokens } from './query';

/** What may be written next in a filter, given what stands before the cursor. */
export type FieldType = 'Keyword' | 'Text' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList' | 'Status' | 'Duration';

export interface Field {
  name: string;
  type: FieldType;
}

export const systemFields: readonly Field[] = [
  { name: 'ExecutionStatus', type: 'Status' },
  { name: 'WorkflowType', type: 'Keyword' },
  { name: 'WorkflowId', type: 'Keyword' },
  { name: 'RunId', type: 'Keyword' },
  { name: 'TaskQueue', type: 'Keyword' },
  { name: 'StartTime', type: 'Datetime' },
  { name: 'CloseTime', type: 'Datetime' },
  { name: 'ExecutionTime', type: 'Datetime' },
  { name: 'ExecutionDuration', type: 'Duration' },
  { name: 'HistoryLength', type: 'Int' },
  { name: 'HistorySizeBytes', type: 'Int' },
  { name: 'StateTransitionCount', type: 'Int' },
  { name: 'ParentWorkflowId', type: 'Keyword' },
  { name: 'ParentRunId', type: 'Keyword' },
  { name: 'RootWorkflowId', type: 'Keyword' },
  { name: 'RootRunId', type: 'Keyword' },
];

export const statusNames = [
  'Running', 'Completed', 'Failed', 'Canceled', 'Terminated', 'ContinuedAsNew', 'TimedOut',
] as const;

const compared = ['=', '!=', '>', '>=', '<', '<=', 'BETWEEN', 'IN', 'IS NULL', 'IS NOT NULL'];

export function operatorsOf(type: FieldType): readonly string[] {
  switch (type) {
    case 'Status':
      return ['=', '!=', 'IN', 'NOT IN'];
    case 'Keyword':
      return ['=', '!=', 'STARTS_WITH', 'NOT STARTS_WITH', 'IN', 'NOT IN', 'IS NULL', 'IS NOT NULL'];
    case 'KeywordList':
      return ['=', '!=', 'IN', 'NOT IN', 'IS NULL', 'IS NOT NULL'];
    case 'Text':
      return ['=', '!=', 'IS NULL', 'IS NOT NULL'];
    case 'Bool':
      return ['=', '!=', 'IS NULL', 'IS NOT NULL'];
    default:
      return compared;
  }
}

export interface Suggestion {
  label: string;
  /** What is inserted, if not the label. */
  insert?: string;
  detail?: string;
  kind: 'field' | 'operator' | 'value' | 'word';
}

export interface Completion {
  from: number;
  suggestions: Suggestion[];
}

export interface Known {
  fields: readonly Field[];
  /** Values seen in a column, for those with few. */
  values: (field: string) => readonly string[];
  now: number;
}

/**
 * Whether a suggestion is taken by Enter before anybody has moved to it: only while a word is half written and
 * this is how it goes on. What can stand as it is runs: after a space, or when the whole word is there.
 */
export function isHalfWritten(written: string, suggestion: Pick<Suggestion, 'label' | 'kind'>): boolean {
  const bare = (text: string) => text.replaceAll(/^["'`]|["'`]$/g, '').toLowerCase();
  const word = bare(written);
  const closed = written.length > 1 && /^(["']).*\1$/.test(written);
  if (!word || closed || !bare(suggestion.label).startsWith(word)) return false;
  return suggestion.kind === 'field' || bare(suggestion.label) !== word; // no filter ends with a column
}

const words = new Set(['AND', 'OR', 'NOT']);
const bare = (token: Token | undefined) => token?.text.replaceAll('`', '') ?? '';
const upper = (token: Token | undefined) => token?.text.toUpperCase() ?? '';

function fieldSuggestions(known: Known): Suggestion[] {
  return known.fields.map((f) => ({
    label: f.name,
    insert: `${columnText(f.name)} `,
    detail: f.type,
    kind: 'field',
  }));
}

const hour = 3_600_000;

function timeSuggestions(now: number): Suggestion[] {
  const presets = strings.workflows.add.presets;
  return [
    [presets.hour, hour],
    [presets.day, 24 * hour],
    [presets.week, 168 * hour],
  ].map(([label, ms]) => ({
    label: String(label),
    insert: `${quote(new Date(Math.floor((now - Number(ms)) / 1000) * 1000).toISOString().replace('.000', ''))} `,
    kind: 'value',
  }));
}

function valueSuggestions(field: Field, known: Known): Suggestion[] {
  if (field.type === 'Datetime') return timeSuggestions(known.now);
  if (field.type === 'Bool') return ['true', 'false'].map((label) => ({ label, insert: `${label} `, kind: 'value' }));
  const values = field.type === 'Status' ? statusNames : known.values(field.name);
  return values.map((value) => ({ label: quote(value), insert: `${quote(value)} `, kind: 'value' }));
}

/** The tokens of the condition that the cursor is in: those since the last AND, OR, NOT or open parenthesis. */
function openCondition(before: readonly Token[]): readonly Token[] {
  let start = 0;
  before.forEach((token, i) => {
    const opens = token.text === '(' && upper(before[i - 1]) !== 'IN';
    const between = upper(before[i - 2]) === 'BETWEEN';
    const negates = upper(token) === 'NOT' && i > start; // NOT IN stands inside a condition
    if (opens || (words.has(upper(token)) && !between && !negates)) start = i + 1;
  });
  return before.slice(start);
}

export function complete(text: string, at: number, known: Known): Completion {
  const all = tokens(text.slice(0, at));
  const last = all.at(-1);
  const typingToken = last && last.to === at && last.kind !== 'paren' && last.kind !== 'operator' ? last : undefined;
  const before = typingToken ? all.slice(0, -1) : all;
  const from = typingToken?.from ?? at;
  const condition = openCondition(before);
  const field = known.fields.find((f) => f.name === bare(condition[0]));
  if (condition.length === 0) {
    return {
      from,
      suggestions: [...fieldSuggestions(known), { label: 'NOT', insert: 'NOT ', kind: 'word' }],
    };
  }
  if (!field) return { from, suggestions: [] };
  const list = condition.some((t) => upper(t) === 'IN');
  const closed = condition.at(-1)?.text === ')';
  // What is left of operators of several words, whose first may be written already.
  const begun = condition.slice(1).map((t) => `${upper(t)} `).join('');
  const operators = operatorsOf(field.type).filter((label) => label.startsWith(begun));
  if (operators.length > 0) {
    return {
      from,
      suggestions: operators.map((label) => ({
        label: label.slice(begun.length),
        insert: label.slice(begun.length) + (label.endsWith('IN') ? ' (' : ' '),
        kind: 'operator',
      })),
    };
  }
  const ended =
    closed || upper(condition.at(-1)) === 'NULL' || (!list && isValue(condition.at(-1)) && !inBetween(condition));
  if (ended)
    return { from, suggestions: ['AND', 'OR'].map((label) => ({ label, insert: `${label} `, kind: 'word' })) };
  if (list && isValue(condition.at(-1)))
    return { from, suggestions: [',', ')'].map((label) => ({ label, insert: `${label} `, kind: 'word' })) };
  return { from, suggestions: valueSuggestions(field, known) };
}

const isValue = (token: Token | undefined) =>
  token?.kind === 'string' || token?.kind === 'number' || /^(true|false)$/i.test(token?.text ?? '');

/** `BETWEEN a` waits for `AND b`. */
function inBetween(condition: readonly Token[]): boolean {
  const at = condition.findIndex((t) => upper(t) === 'BETWEEN');
  return at >= 0 && condition.slice(at + 1).filter((t) => isValue(t)).length < 2;
}
