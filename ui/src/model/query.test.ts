import { describe, expect, it } from 'vitest';
import {
  both,
  columnText,
  conditions,
  errorPosition,
  idQuery,
  quote,
  statusesOf,
  tokens,
  without,
  withStatuses,
  withoutStatus,
} from './query';

const texts = (query: string) => conditions(query).map((c) => c.text);

it('quotes', () => {
  expect(quote('a"b\\c')).toBe('"a\\"b\\\\c"');
  expect(columnText('WorkflowId')).toBe('WorkflowId');
  expect(columnText('my attr')).toBe('`my attr`');
});

it('tells tokens apart', () => {
  expect(tokens('A = "x" and (`b c` >= 1.5)').map((t) => t.kind)).toEqual([
    'name', 'operator', 'string', 'keyword', 'paren', 'name', 'operator', 'number', 'paren',
  ]);
  expect(tokens('A = "open')[2]).toMatchObject({ kind: 'string', text: '"open' });
});

describe('conditions', () => {
  it('stand between the outermost ANDs', () => {
    expect(texts('A = "1" AND B IN ("x", "y") and (C = 1 AND D = 2)')).toEqual([
      'A = "1"', 'B IN ("x", "y")', '(C = 1 AND D = 2)',
    ]);
  });
  it('keep BETWEEN whole', () => {
    expect(texts('A BETWEEN 1 AND 2 AND B = 3')).toEqual(['A BETWEEN 1 AND 2', 'B = 3']);
  });
  it('are one where OR stands outside', () => {
    expect(texts('A = 1 AND B = 2 OR C = 3')).toEqual(['A = 1 AND B = 2 OR C = 3']);
  });
  it('do not see words in strings', () => {
    expect(texts('A = "x AND y OR z"')).toEqual(['A = "x AND y OR z"']);
  });
  it('of nothing are none', () => {
    expect(conditions('  ')).toEqual([]);
  });
});

it('joins filters', () => {
  expect(both('', 'A = 1')).toBe('A = 1');
  expect(both('A = 1 OR B = 2', 'C = 3')).toBe('(A = 1 OR B = 2) AND C = 3');
  expect(both('(A = 1 OR B = 2)', 'C = 3')).toBe('(A = 1 OR B = 2) AND C = 3');
});

it('takes one condition out', () => {
  const query = 'A = 1 AND B = 2 AND C = 3';
  const second = conditions(query)[1];
  if (!second) throw new Error('no second condition');
  expect(without(query, second)).toBe('A = 1 AND C = 3');
});

describe('statuses', () => {
  it('are found alone and in lists', () => {
    expect(statusesOf('ExecutionStatus = "Running"')?.statuses).toEqual(['Running']);
    expect(statusesOf("A = 1 AND `ExecutionStatus` IN ('Failed', 'TimedOut')")?.statuses).toEqual([
      'Failed', 'TimedOut',
    ]);
    expect(statusesOf('ExecutionStatus != "Running"')).toBeUndefined();
    expect(statusesOf('A = 1 OR ExecutionStatus = "Running"')).toBeUndefined();
    expect(statusesOf('ExecutionStatus = "Running" OR A = 1')).toBeUndefined();
    expect(statusesOf('ExecutionStatus IN ("Running") OR A = 1')).toBeUndefined();
  });
  it('are set, changed and taken out', () => {
    expect(withStatuses('', ['Running'])).toBe('ExecutionStatus = "Running"');
    expect(withStatuses('A = 1', ['Failed', 'TimedOut'])).toBe(
      'ExecutionStatus IN ("Failed", "TimedOut") AND A = 1',
    );
    expect(withoutStatus('ExecutionStatus = "Running" AND A = 1')).toBe('A = 1');
  });
});

it('looks for ids by their beginning, and for whole run ids', () => {
  expect(idQuery(' order-1 ')).toBe('WorkflowId STARTS_WITH "order-1"');
  expect(idQuery('0b1e9f6a-3c2d-4e5f-8a9b-0c1d2e3f4a5b')).toContain('OR RunId = ');
});

it('finds the place of an error in characters', () => {
  expect(errorPosition('invalid query: syntax error at position 5, near "x"', 'A = x')).toBe(4);
  expect(errorPosition('invalid query at position 8', 'A = "é" x')).toBe(6);
  expect(errorPosition('no such thing', 'A')).toBeUndefined();
  expect(errorPosition('at position 99', 'A')).toBe(1);
});
