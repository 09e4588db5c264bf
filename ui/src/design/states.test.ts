import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { queueStates, statusName, stepStates, workerStates, workflowState, workflowStates } from './states';

const tables = { workflow: workflowStates, step: stepStates, worker: workerStates, queue: queueStates };
const all = Object.entries(tables).flatMap(([of, states]) =>
  Object.entries(states).map(([name, state]) => ({ of, name, ...state })),
);

it('is the table of docs/ui-design.md', () => {
  const text = readFileSync(new URL('../../../docs/ui-design.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| (workflow|step|worker|queue) /.test(line));
  expect(rows).toEqual(
    all.map((s) => `| ${s.of} | ${s.name} | ${s.word} | ${s.mark} | ${s.tone} |`),
  );
});

it('has red for what failed or timed out alone', () => {
  expect([...new Set(all.filter((s) => s.tone === 'red').map((s) => s.name))]).toEqual([
    'Failed', 'TimedOut', 'failed', 'timedOut',
  ]);
});

it('tells the states of one table apart by mark or word', () => {
  for (const states of Object.values(tables)) {
    const shown = Object.values(states).map((s) => `${s.mark} ${s.word}`);
    expect(new Set(shown).size).toBe(shown.length);
  }
});

it('reads the names of the API', () => {
  expect(statusName('WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW')).toBe('ContinuedAsNew');
  expect(statusName('WORKFLOW_EXECUTION_STATUS_UNSPECIFIED')).toBeUndefined();
  expect(workflowState('WORKFLOW_EXECUTION_STATUS_TIMED_OUT').tone).toBe('red');
  expect(workflowState('something new').word).toBe('Unknown');
});
