import { useMemo } from 'react';
import type { RunId } from '@/api/executions';
import { childOf } from '@/model/timeline';
import { executionStrings } from '@/strings/execution';
import { RunContext, timelineContext, useRun, useRunStore, type Run } from '../run';
import { runStore } from '../runStore';
import { SidePanel } from './SidePanel';
import { StepDetails } from './StepDetails';

interface Props {
  /** Keys of steps: those of children, and last the step's own. */
  path: readonly string[];
  nowMs: number;
  onClose: () => void;
}

/** Details of the step that is chosen in the waterfall, be it the run's own or one of its children's. */
export function SelectedStep({ path, nowMs, onClose }: Props) {
  const { state, id } = useRun();
  const [key = '', ...rest] = path;
  const step = state.log.step(key);
  if (!step) return null;
  if (rest.length === 0) {
    return (
      <SidePanel label={executionStrings.details.open} onClose={onClose}>
        <StepDetails step={step} context={timelineContext(state, nowMs)} />
      </SidePanel>
    );
  }
  const child = childOf(step, state.pending);
  if (!child) return null;
  const { namespace, workflowId = '', runId = '' } = child;
  return <OfChild ns={namespace || (id?.ns ?? '')} workflowId={workflowId} runId={runId} path={rest} nowMs={nowMs} onClose={onClose} />;
}

function OfChild({ ns, workflowId, runId, ...props }: RunId & Props) {
  const id = useMemo<RunId>(() => ({ ns, workflowId, runId }), [ns, workflowId, runId]);
  const store = useMemo(() => runStore(id), [id]);
  const state = useRunStore(store);
  const run = useMemo<Run>(() => ({ store, state, id }), [store, state, id]);
  return (
    <RunContext value={run}>
      <SelectedStep {...props} />
    </RunContext>
  );
}
