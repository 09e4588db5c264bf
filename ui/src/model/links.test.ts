import { expect, it } from 'vitest';
import { isRunLink, linksOf } from './links';

it('reads links to runs, to their events and to batches', () => {
  const links = linksOf([
    {
      workflowEvent: {
        namespace: 'shop', workflowId: 'w', runId: 'r',
        eventRef: { eventId: '7', eventType: 'EVENT_TYPE_NEXUS_OPERATION_SCHEDULED' },
      },
    },
    { workflow: { workflowId: 'v', reason: 'took over' } },
    { batchJob: { jobId: 'job-1' } },
    { later: { thing: 1 } },
  ]);
  expect(links).toEqual([
    { namespace: 'shop', workflowId: 'w', runId: 'r', eventId: 7, words: 'nexus operation scheduled' },
    { namespace: '', workflowId: 'v', runId: '', eventId: 0, words: 'took over' },
    { words: 'job-1' },
    { words: '{"later":{"thing":1}}' },
  ]);
  expect(links.map(isRunLink)).toEqual([true, true, false, false]);
});

it('reads nothing where there is none', () => {
  expect(linksOf(undefined)).toEqual([]);
  expect(linksOf('x')).toEqual([]);
});
