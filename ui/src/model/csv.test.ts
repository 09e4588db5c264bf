import { expect, it } from 'vitest';
import { columnsOf } from './columns';
import { csvField, csvHead, csvRows } from './csv';

it('quotes what needs it and defuses formulas', () => {
  expect(csvField('a,"b"')).toBe('"a,""b"""');
  expect(csvField('=1+1')).toBe("'=1+1");
  expect(csvField(-1)).toBe('-1');
  expect(csvField(undefined)).toBe('');
});

it('writes rows', () => {
  const columns = columnsOf(['status', 'workflowId', 'duration']);
  expect(csvHead(columns)).toBe('Status,Workflow ID,Duration (s)\r\n');
  const row = {
    execution: { workflowId: 'a b' }, status: 'WORKFLOW_EXECUTION_STATUS_FAILED',
    startTime: '2026-01-01T00:00:00Z', closeTime: '2026-01-01T00:00:01.500Z',
  };
  expect(csvRows(columns, [row], 0)).toBe('Failed,a b,1.5\r\n');
});
