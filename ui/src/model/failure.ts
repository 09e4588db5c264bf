/** Failures as chains: what was seen first, and under it what caused it. */

import { enumWords, type Failure, type Payload } from './proto';
import { decodePayload, payloadList } from './payloads';

export type FailureKind =
  | 'application'
  | 'timeout'
  | 'canceled'
  | 'terminated'
  | 'server'
  | 'reset'
  | 'activity'
  | 'child'
  | 'nexus'
  | 'other';

export interface FailureLink {
  readonly kind: FailureKind;
  /** The error's own type, such as `java.lang.IllegalStateException`, or what kind of timeout. */
  readonly type: string;
  readonly message: string;
  readonly source: string;
  readonly stackTrace: string;
  readonly nonRetryable: boolean;
  readonly retryState: string;
  readonly identity: string;
  readonly details: Payload[];
  /** Message and stack trace that a codec has put away, and that could not be read yet. */
  readonly encoded?: Payload;
  /** What failed, for a failure that wraps another one: an activity's or a child's type and id. */
  readonly subject?: { type: string; id: string; runId?: string; eventId?: string };
}

/** Causes deeper than this are left out; the server admits fewer. */
const depthMax = 100;

function kindOf(f: Failure): FailureKind {
  if (f.applicationFailureInfo) return 'application';
  if (f.timeoutFailureInfo) return 'timeout';
  if (f.canceledFailureInfo) return 'canceled';
  if (f.terminatedFailureInfo) return 'terminated';
  if (f.serverFailureInfo) return 'server';
  if (f.resetWorkflowFailureInfo) return 'reset';
  if (f.activityFailureInfo) return 'activity';
  if (f.childWorkflowExecutionFailureInfo) return 'child';
  if (f.nexusOperationExecutionFailureInfo || f.nexusHandlerFailureInfo) return 'nexus';
  return 'other';
}

function typeOf(f: Failure): string {
  return (
    f.applicationFailureInfo?.type ||
    enumWords(f.timeoutFailureInfo?.timeoutType, 'TIMEOUT_TYPE') ||
    f.nexusHandlerFailureInfo?.type ||
    ''
  );
}

function subjectOf(f: Failure): FailureLink['subject'] {
  const activity = f.activityFailureInfo;
  if (activity) {
    return {
      type: activity.activityType?.name ?? '',
      id: activity.activityId ?? '',
      ...(activity.scheduledEventId ? { eventId: activity.scheduledEventId } : {}),
    };
  }
  const child = f.childWorkflowExecutionFailureInfo;
  if (child) {
    return {
      type: child.workflowType?.name ?? '',
      id: child.workflowExecution?.workflowId ?? '',
      ...(child.workflowExecution?.runId ? { runId: child.workflowExecution.runId } : {}),
      ...(child.initiatedEventId ? { eventId: child.initiatedEventId } : {}),
    };
  }
  const nexus = f.nexusOperationExecutionFailureInfo;
  return nexus ? { type: nexus.operation ?? '', id: nexus.endpoint ?? '' } : undefined;
}

/** Message and stack trace as SDKs put them into a payload, once that can be read. */
function readEncoded(f: Failure): { message: string; stack_trace: string } | undefined {
  if (!f.encodedAttributes) return undefined;
  const { kind, text } = decodePayload(f.encodedAttributes);
  if (kind !== 'json') return undefined;
  try {
    const { message, stack_trace } = JSON.parse(text) as Record<string, unknown>;
    return { message: String(message ?? ''), stack_trace: String(stack_trace ?? '') };
  } catch {
    return undefined;
  }
}

function link(f: Failure): FailureLink {
  const read = readEncoded(f);
  const subject = subjectOf(f);
  const inner = f.activityFailureInfo ?? f.childWorkflowExecutionFailureInfo;
  return {
    kind: kindOf(f),
    type: typeOf(f),
    message: read?.message ?? f.message ?? '',
    source: f.source ?? '',
    stackTrace: read?.stack_trace ?? f.stackTrace ?? '',
    nonRetryable: Boolean(
      f.applicationFailureInfo?.nonRetryable ?? f.serverFailureInfo?.nonRetryable,
    ),
    retryState: enumWords(inner?.retryState, 'RETRY_STATE'),
    identity:
      f.activityFailureInfo?.identity ??
      f.canceledFailureInfo?.identity ??
      f.terminatedFailureInfo?.identity ??
      '',
    details: payloadList(
      f.applicationFailureInfo?.details ??
        f.canceledFailureInfo?.details ??
        f.timeoutFailureInfo?.lastHeartbeatDetails ??
        f.resetWorkflowFailureInfo?.lastHeartbeatDetails,
    ),
    ...(f.encodedAttributes && !read ? { encoded: f.encodedAttributes } : {}),
    ...(subject ? { subject } : {}),
  };
}

/** From what was seen first to its root. */
export function failureChain(failure: Failure | undefined): FailureLink[] {
  const chain: FailureLink[] = [];
  for (let f = failure; f && chain.length < depthMax; f = f.cause) chain.push(link(f));
  return chain;
}

/** What only says that something inside it failed. */
const wrappers = new Set<FailureKind>(['activity', 'child', 'nexus']);

/** The failure that says most: what the code threw, rather than what wraps it or what it wraps. */
export function tellingFailure(failure: Failure | undefined): FailureLink | undefined {
  const chain = failureChain(failure).filter((one, i) => i === 0 || one.message || one.type);
  return chain.find((one) => !wrappers.has(one.kind) && (one.message || one.type)) ?? chain.at(-1);
}

/** `type: message` of the failure that says most, on one line. */
export function failureLine(failure: Failure | undefined): string {
  const root = tellingFailure(failure);
  if (!root) return '';
  const text =
    root.type && !root.message.startsWith(root.type)
      ? [root.type, root.message].filter(Boolean).join(': ')
      : root.message;
  return text.replace(/\s+/g, ' ').trim();
}

/** The whole chain as text, the way a log would have it. */
export function failureText(failure: Failure | undefined): string {
  return failureChain(failure)
    .map((one, i) => {
      const head = (i ? 'Caused by: ' : '') + [one.type, one.message].filter(Boolean).join(': ');
      return one.stackTrace ? `${head}\n${one.stackTrace.trimEnd()}` : head;
    })
    .join('\n');
}
