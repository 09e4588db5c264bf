import { expect, it } from 'vitest';
import { complete, isHalfWritten, type Known, systemFields } from './completion';

const known: Known = {
  fields: [...systemFields, { name: 'my attr', type: 'Bool' }],
  values: (field) => (field === 'WorkflowType' ? ['Order', 'Refund'] : []),
  now: Date.UTC(2026, 10, 23, 12),
};
const labels = (text: string) => complete(text, text.length, known).suggestions.map((s) => s.label);
const first = (text: string) => labels(text)[0];

it('begins with a column', () => {
  expect(first('')).toBe('ExecutionStatus');
  expect(first('A = 1 AND ')).toBe('ExecutionStatus');
  expect(first('(')).toBe('ExecutionStatus');
  expect(first('NOT ')).toBe('ExecutionStatus');
  expect(complete('Wor', 3, known).from).toBe(0);
  expect(labels('')).toContain('NOT');
});

it('goes on with the operators of its type', () => {
  expect(labels('WorkflowType ')).toContain('STARTS_WITH');
  expect(labels('HistoryLength ')).toContain('BETWEEN');
  expect(labels('HistoryLength ')).not.toContain('STARTS_WITH');
  expect(labels('ExecutionStatus ')).not.toContain('<');
  expect(labels('`my attr` ')).toEqual(['=', '!=', 'IS NULL', 'IS NOT NULL']);
});

it('knows values', () => {
  expect(labels('ExecutionStatus = ')).toContain('"Running"');
  expect(labels('WorkflowType = ')).toEqual(['"Order"', '"Refund"']);
  expect(labels('WorkflowType NOT IN (')).toEqual(['"Order"', '"Refund"']);
  expect(labels('WorkflowType IN ("Order", ')).toEqual(['"Order"', '"Refund"']);
  expect(labels('`my attr` = ')).toEqual(['true', 'false']);
  expect(complete('StartTime > ', 12, known).suggestions[0]).toMatchObject({
    label: 'Last hour', insert: '"2026-11-23T11:00:00Z" ',
  });
  expect(complete('WorkflowType = "Or', 18, known).from).toBe(15);
});

it('ends a condition', () => {
  expect(labels('ExecutionStatus = "Running" ')).toEqual(['AND', 'OR']);
  expect(labels('WorkflowType IS NULL ')).toEqual(['AND', 'OR']);
  expect(labels('WorkflowType IN ("Order") ')).toEqual(['AND', 'OR']);
  expect(labels('WorkflowType IN ("Order" ')).toEqual([',', ')']);
  expect(labels('HistoryLength BETWEEN 1 AND 5 ')).toEqual(['AND', 'OR']);
});

it('says nothing about columns that it does not know', () => {
  expect(labels('Nonsense = ')).toEqual([]);
});

it('goes on within operators of several words', () => {
  expect(labels('CloseTime IS ')).toEqual(['NULL', 'NOT NULL']);
  expect(labels('CloseTime IS NOT ')).toEqual(['NULL']);
  expect(labels('WorkflowType NOT ')).toEqual(['STARTS_WITH', 'IN']);
  expect(labels('WorkflowType = ')).not.toContain('=');
  expect(labels('CloseTime IS NULL ')).toEqual(['AND', 'OR']);
});

it('gives Enter to a word that is half written, and to nothing else', () => {
  const takes = (written: string, label: string, kind: 'field' | 'operator' | 'value' | 'word' = 'value') =>
    isHalfWritten(written, { label, kind });
  expect(takes('WorkflowTy', 'WorkflowType', 'field')).toBe(true);
  expect(takes('workflowtype', 'WorkflowType', 'field')).toBe(true);
  expect(takes('"Run', '"Running"')).toBe(true);
  expect(takes('Run', '"Running"')).toBe(true);
  expect(takes('', 'AND', 'word')).toBe(false);
  expect(takes('"', '"Running"')).toBe(false);
  expect(takes('"Running"', '"Running"')).toBe(false);
  expect(takes('"Run"', '"Running"')).toBe(false);
  expect(takes('Running', '"Running"')).toBe(false);
  expect(takes('Type', 'WorkflowType', 'field')).toBe(false);
  expect(takes('IS NULL', 'IS NULL', 'operator')).toBe(false);
});
