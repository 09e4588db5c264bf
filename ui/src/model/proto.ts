/**
 * The API's messages as this UI reads them: proto3 JSON, fields by their JSON names, 64-bit numbers as
 * text, bytes as base64, enums by name. Only fields that a page shows are written down; every field may
 * be missing, since proto3 JSON leaves out what is empty.
 */

export interface Payload {
  metadata?: Record<string, string>;
  data?: string;
  externalPayloads?: { sizeBytes?: string }[];
}

export interface Payloads {
  payloads?: Payload[];
}

export interface Execution {
  workflowId?: string;
  runId?: string;
}

export interface TypeName {
  name?: string;
}

export interface RetryPolicy {
  initialInterval?: string;
  backoffCoefficient?: number;
  maximumInterval?: string;
  maximumAttempts?: number;
  nonRetryableErrorTypes?: string[];
}

export interface Failure {
  message?: string;
  source?: string;
  stackTrace?: string;
  encodedAttributes?: Payload;
  cause?: Failure;
  applicationFailureInfo?: {
    type?: string;
    nonRetryable?: boolean;
    details?: Payloads;
    nextRetryDelay?: string;
    category?: string;
  };
  timeoutFailureInfo?: { timeoutType?: string; lastHeartbeatDetails?: Payloads };
  canceledFailureInfo?: { details?: Payloads; identity?: string };
  terminatedFailureInfo?: { identity?: string };
  serverFailureInfo?: { nonRetryable?: boolean };
  resetWorkflowFailureInfo?: { lastHeartbeatDetails?: Payloads };
  activityFailureInfo?: {
    scheduledEventId?: string;
    startedEventId?: string;
    identity?: string;
    activityType?: TypeName;
    activityId?: string;
    retryState?: string;
  };
  childWorkflowExecutionFailureInfo?: {
    namespace?: string;
    workflowExecution?: Execution;
    workflowType?: TypeName;
    initiatedEventId?: string;
    startedEventId?: string;
    retryState?: string;
  };
  nexusOperationExecutionFailureInfo?: { endpoint?: string; service?: string; operation?: string };
  nexusHandlerFailureInfo?: { type?: string; retryBehavior?: string };
}

export interface UserMetadata {
  summary?: Payload;
  details?: Payload;
}

/** Attributes differ by event type; a reader asks for the fields that its type has. */
export type Attributes = Record<string, unknown>;

export interface HistoryEvent {
  eventId?: string;
  eventTime?: string;
  eventType?: string;
  version?: string;
  taskId?: string;
  workerMayIgnore?: boolean;
  userMetadata?: UserMetadata;
  links?: unknown[];
  [attributes: string]: unknown;
}

export interface HistoryPage {
  history?: { events?: HistoryEvent[] };
  nextPageToken?: string;
  archived?: boolean;
}

export interface SearchAttributes {
  indexedFields?: Record<string, Payload>;
}

export interface Memo {
  fields?: Record<string, Payload>;
}

export interface TaskQueue {
  name?: string;
  kind?: string;
  normalName?: string;
}

export interface ExecutionInfo {
  execution?: Execution;
  type?: TypeName;
  startTime?: string;
  closeTime?: string;
  executionTime?: string;
  executionDuration?: string;
  status?: string;
  historyLength?: string;
  historySizeBytes?: string;
  stateTransitionCount?: string;
  parentNamespaceId?: string;
  parentExecution?: Execution;
  rootExecution?: Execution;
  firstRunId?: string;
  memo?: Memo;
  searchAttributes?: SearchAttributes;
  taskQueue?: string;
  workerDeploymentName?: string;
  priority?: { priorityKey?: number; fairnessKey?: string; fairnessWeight?: number };
}

export interface PendingActivity {
  activityId?: string;
  activityType?: TypeName;
  state?: string;
  heartbeatDetails?: Payloads;
  lastHeartbeatTime?: string;
  lastStartedTime?: string;
  attempt?: number;
  maximumAttempts?: number;
  scheduledTime?: string;
  expirationTime?: string;
  lastFailure?: Failure;
  lastWorkerIdentity?: string;
  currentRetryInterval?: string;
  lastAttemptCompleteTime?: string;
  nextAttemptScheduleTime?: string;
  paused?: boolean;
  pauseInfo?: {
    pauseTime?: string;
    manual?: { identity?: string; reason?: string };
  };
}

export interface PendingChild {
  workflowId?: string;
  runId?: string;
  workflowTypeName?: string;
  initiatedId?: string;
  parentClosePolicy?: string;
}

export interface PendingWorkflowTask {
  state?: string;
  scheduledTime?: string;
  originalScheduledTime?: string;
  startedTime?: string;
  attempt?: number;
}

export interface DescribeExecution {
  executionConfig?: {
    taskQueue?: TaskQueue;
    workflowExecutionTimeout?: string;
    workflowRunTimeout?: string;
    defaultWorkflowTaskTimeout?: string;
    userMetadata?: UserMetadata;
  };
  workflowExecutionInfo?: ExecutionInfo;
  pendingActivities?: PendingActivity[];
  pendingChildren?: PendingChild[];
  pendingWorkflowTask?: PendingWorkflowTask;
  workflowExtendedInfo?: {
    executionExpirationTime?: string;
    runExpirationTime?: string;
    cancelRequested?: boolean;
    originalStartTime?: string;
    lastResetTime?: string;
    resetRunId?: string;
    pauseInfo?: { identity?: string; pausedTime?: string; reason?: string };
  };
}

/** Milliseconds since 1970, with the fraction that the server gave, or NaN. */
export function timeMs(text: string | undefined): number {
  if (!text) return NaN;
  const dot = text.indexOf('.');
  if (dot !== 19 || !text.endsWith('Z')) return Date.parse(text);
  return Date.parse(text.slice(0, 19) + 'Z') + Number('0' + text.slice(19, -1)) * 1000;
}

/** Milliseconds of a proto3 JSON duration such as "3.5s", or NaN. */
export function durationMs(text: string | undefined): number {
  if (!text || !text.endsWith('s')) return NaN;
  const seconds = Number(text.slice(0, -1));
  return seconds * 1000;
}

/** An id that the API gives as text. Event ids stay far below 2^53, where a number is exact. */
export function idOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value !== '' ? Number(value) : 0;
}

/** `RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED`, `RETRY_STATE` → `Maximum attempts reached`. */
export function enumWords(value: string | undefined, prefix: string): string {
  if (!value) return '';
  const name = value.startsWith(prefix + '_') ? value.slice(prefix.length + 1) : value;
  if (name === 'UNSPECIFIED') return '';
  const words = name.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
