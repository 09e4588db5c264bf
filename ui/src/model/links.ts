/** Links of an event to what caused it or is caused by it: another run, one of its events, a batch. */

import { enumWords } from './proto';

export interface RunLinkTarget {
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: string;
  /** Of the run's history, where the link names one. */
  readonly eventId: number;
  /** What the link says beside its target. */
  readonly words: string;
}

export type EventLinkTarget = RunLinkTarget | { readonly words: string };

interface RawRun {
  namespace?: string;
  workflowId?: string;
  runId?: string;
  reason?: string;
  eventRef?: { eventId?: string; eventType?: string };
  requestIdRef?: { requestId?: string; eventType?: string };
}

interface RawLink {
  workflowEvent?: RawRun;
  workflow?: RawRun;
  batchJob?: { jobId?: string };
}

export function isRunLink(link: EventLinkTarget): link is RunLinkTarget {
  return 'workflowId' in link;
}

/** Variants that came later are shown as the JSON that they are. */
function linkOf(raw: unknown): EventLinkTarget {
  const { workflowEvent, workflow, batchJob } = (raw ?? {}) as RawLink;
  const run = workflowEvent ?? workflow;
  if (run?.workflowId) {
    const type = run.eventRef?.eventType ?? run.requestIdRef?.eventType;
    return {
      namespace: run.namespace ?? '',
      workflowId: run.workflowId,
      runId: run.runId ?? '',
      eventId: Number(run.eventRef?.eventId ?? 0),
      words: [enumWords(type, 'EVENT_TYPE').toLowerCase(), run.reason].filter(Boolean).join(' · '),
    };
  }
  return { words: batchJob?.jobId ?? JSON.stringify(raw) };
}

export function linksOf(links: unknown): EventLinkTarget[] {
  return Array.isArray(links) ? links.map(linkOf) : [];
}
