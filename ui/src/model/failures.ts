import type { FailureGroup } from '@/api/failures';
import { both, quote } from './query';

/** What failed, in the order of what tells it apart. */
export function subject(group: FailureGroup): string {
  return group.activityType || group.workflowType || '';
}

/** Running workflows that the group may be about. */
export function affectedQuery(group: FailureGroup): string {
  return both('ExecutionStatus = "Running"', group.workflowType ? `WorkflowType = ${quote(group.workflowType)}` : '');
}

/** Workflows that failed for good are red, what is tried again is amber. */
export function toneOf(group: FailureGroup): 'red' | 'amber' {
  return group.source === 'FAILURE_SOURCE_WORKFLOW' || Number(group.retrying ?? 0) < Number(group.count ?? 0)
    ? 'red'
    : 'amber';
}
