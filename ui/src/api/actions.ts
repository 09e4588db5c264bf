import { settings } from '@/app/settings';
import { jsonPayload } from '@/model/payloads';
import { rpc } from './client';
import { encodeRequest } from './codec';

/** Every change: what it needs, and who asked for it. */
export interface RunRef {
  workflowId: string;
  /** Empty: the run that is current when the call arrives. */
  runId?: string | undefined;
}

const execution = ({ workflowId, runId }: RunRef) => ({ workflowId, ...(runId ? { runId } : {}) });

/** Who asks; a browser without a name says that it is one. */
export function identity(): string {
  return settings().identity.trim() || 'web-ui';
}

/** crypto.randomUUID is only there over HTTPS and on localhost. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const payloads = (texts: readonly string[]) => (texts.length > 0 ? { payloads: texts.map(jsonPayload) } : undefined);

export async function signalRun(
  ns: string,
  run: RunRef,
  name: string,
  inputs: readonly string[],
): Promise<unknown> {
  const body = await encodeRequest(ns, {
    workflowExecution: execution(run),
    signalName: name,
    input: payloads(inputs),
    identity: identity(),
    requestId: newId(),
  });
  return rpc('SignalWorkflowExecution', { namespace: ns, ...body });
}

export function cancelRun(ns: string, run: RunRef, reason: string): Promise<unknown> {
  return rpc('RequestCancelWorkflowExecution', {
    namespace: ns,
    workflowExecution: execution(run),
    identity: identity(),
    requestId: newId(),
    reason,
  });
}

export function terminateRun(ns: string, run: RunRef, reason: string): Promise<unknown> {
  return rpc('TerminateWorkflowExecution', {
    namespace: ns,
    workflowExecution: execution(run),
    identity: identity(),
    reason,
  });
}

export function deleteRun(ns: string, run: RunRef): Promise<unknown> {
  return rpc('DeleteWorkflowExecution', { namespace: ns, workflowExecution: execution(run) });
}

export interface StartAnswer {
  runId?: string;
  /** False when a running workflow of that id was used instead. */
  started?: boolean;
}

export async function startWorkflow(ns: string, request: Record<string, unknown>): Promise<StartAnswer> {
  const body = await encodeRequest(ns, request);
  return rpc('StartWorkflowExecution', { namespace: ns, ...body, identity: identity(), requestId: newId() });
}

export async function signalWithStart(ns: string, request: Record<string, unknown>): Promise<StartAnswer> {
  const body = await encodeRequest(ns, request);
  return rpc('SignalWithStartWorkflowExecution', { namespace: ns, ...body, identity: identity(), requestId: newId() });
}
