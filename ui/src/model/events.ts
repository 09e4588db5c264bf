/**
 * What each event type is: its category, the part it plays in the step that it belongs to, and the field
 * that names that step's first event. This table is the one place that knows event types by name.
 */

export type Category =
  | 'activity'
  | 'timer'
  | 'child'
  | 'signal'
  | 'update'
  | 'marker'
  | 'nexus'
  | 'task'
  | 'workflow'
  | 'other';

export const categories: readonly Category[] = [
  'activity',
  'timer',
  'child',
  'signal',
  'update',
  'marker',
  'nexus',
  'task',
  'workflow',
  'other',
];

/** How a step ended, or what it waits for. */
export type Outcome =
  | 'scheduled'
  | 'running'
  | 'retrying'
  | 'paused'
  | 'completed'
  | 'failed'
  | 'timedOut'
  | 'canceled'
  | 'terminated'
  | 'continuedAsNew'
  | 'fired'
  | 'rejected'
  | 'received'
  | 'recorded';

/** open: begins a step; start: a worker has it; close: ends it; extra: in between; alone: all of it. */
export type Role = 'open' | 'start' | 'close' | 'extra' | 'alone';

/** What kind of step; finer than the category, which is what a filter offers. */
export type StepKind =
  | 'activity'
  | 'timer'
  | 'child'
  | 'signal'
  | 'externalSignal'
  | 'externalCancel'
  | 'update'
  | 'marker'
  | 'nexus'
  | 'task'
  | 'workflow'
  | 'other';

export interface EventKind {
  readonly category: Category;
  readonly step: StepKind;
  readonly role: Role;
  /** The attribute that holds the id of the step's first event; none: the event is the first itself. */
  readonly anchor?: string;
  readonly outcome?: Outcome;
}

function activity(role: Role, outcome?: Outcome): EventKind {
  return kind('activity', 'activity', role, role === 'open' ? undefined : 'scheduledEventId', outcome);
}

function task(role: Role, outcome?: Outcome): EventKind {
  return kind('task', 'task', role, role === 'open' ? undefined : 'scheduledEventId', outcome);
}

function timer(role: Role, outcome?: Outcome): EventKind {
  return kind('timer', 'timer', role, role === 'open' ? undefined : 'startedEventId', outcome);
}

function nexus(role: Role, outcome?: Outcome): EventKind {
  return kind('nexus', 'nexus', role, role === 'open' ? undefined : 'scheduledEventId', outcome);
}

function initiated(
  category: Category,
  step: StepKind,
  role: Role,
  outcome?: Outcome,
): EventKind {
  return kind(category, step, role, role === 'open' ? undefined : 'initiatedEventId', outcome);
}

function kind(
  category: Category,
  step: StepKind,
  role: Role,
  anchor?: string,
  outcome?: Outcome,
): EventKind {
  return {
    category,
    step,
    role,
    ...(anchor === undefined ? {} : { anchor }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

const table: Record<string, EventKind> = {
  WORKFLOW_EXECUTION_STARTED: kind('workflow', 'workflow', 'alone'),
  WORKFLOW_EXECUTION_COMPLETED: kind('workflow', 'workflow', 'alone', undefined, 'completed'),
  WORKFLOW_EXECUTION_FAILED: kind('workflow', 'workflow', 'alone', undefined, 'failed'),
  WORKFLOW_EXECUTION_TIMED_OUT: kind('workflow', 'workflow', 'alone', undefined, 'timedOut'),
  WORKFLOW_EXECUTION_CANCEL_REQUESTED: kind('workflow', 'workflow', 'alone'),
  WORKFLOW_EXECUTION_CANCELED: kind('workflow', 'workflow', 'alone', undefined, 'canceled'),
  WORKFLOW_EXECUTION_TERMINATED: kind('workflow', 'workflow', 'alone', undefined, 'terminated'),
  WORKFLOW_EXECUTION_CONTINUED_AS_NEW: kind(
    'workflow',
    'workflow',
    'alone',
    undefined,
    'continuedAsNew',
  ),
  WORKFLOW_EXECUTION_OPTIONS_UPDATED: kind('workflow', 'workflow', 'alone'),
  WORKFLOW_EXECUTION_PAUSED: kind('workflow', 'workflow', 'alone', undefined, 'paused'),
  WORKFLOW_EXECUTION_UNPAUSED: kind('workflow', 'workflow', 'alone'),
  WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED: kind('workflow', 'workflow', 'alone'),
  WORKFLOW_PROPERTIES_MODIFIED: kind('workflow', 'workflow', 'alone'),
  WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY: kind('workflow', 'workflow', 'alone'),
  UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: kind('workflow', 'workflow', 'alone'),

  WORKFLOW_TASK_SCHEDULED: task('open', 'scheduled'),
  WORKFLOW_TASK_STARTED: task('start', 'running'),
  WORKFLOW_TASK_COMPLETED: task('close', 'completed'),
  WORKFLOW_TASK_TIMED_OUT: task('close', 'timedOut'),
  WORKFLOW_TASK_FAILED: task('close', 'failed'),

  ACTIVITY_TASK_SCHEDULED: activity('open', 'scheduled'),
  ACTIVITY_TASK_STARTED: activity('start', 'running'),
  ACTIVITY_TASK_COMPLETED: activity('close', 'completed'),
  ACTIVITY_TASK_FAILED: activity('close', 'failed'),
  ACTIVITY_TASK_TIMED_OUT: activity('close', 'timedOut'),
  ACTIVITY_TASK_CANCEL_REQUESTED: activity('extra'),
  ACTIVITY_TASK_CANCELED: activity('close', 'canceled'),
  ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY: activity('extra'),

  TIMER_STARTED: timer('open', 'running'),
  TIMER_FIRED: timer('close', 'fired'),
  TIMER_CANCELED: timer('close', 'canceled'),

  START_CHILD_WORKFLOW_EXECUTION_INITIATED: initiated('child', 'child', 'open', 'scheduled'),
  START_CHILD_WORKFLOW_EXECUTION_FAILED: initiated('child', 'child', 'close', 'failed'),
  CHILD_WORKFLOW_EXECUTION_STARTED: initiated('child', 'child', 'start', 'running'),
  CHILD_WORKFLOW_EXECUTION_COMPLETED: initiated('child', 'child', 'close', 'completed'),
  CHILD_WORKFLOW_EXECUTION_FAILED: initiated('child', 'child', 'close', 'failed'),
  CHILD_WORKFLOW_EXECUTION_CANCELED: initiated('child', 'child', 'close', 'canceled'),
  CHILD_WORKFLOW_EXECUTION_TIMED_OUT: initiated('child', 'child', 'close', 'timedOut'),
  CHILD_WORKFLOW_EXECUTION_TERMINATED: initiated('child', 'child', 'close', 'terminated'),

  WORKFLOW_EXECUTION_SIGNALED: kind('signal', 'signal', 'alone', undefined, 'received'),
  SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: initiated(
    'signal',
    'externalSignal',
    'open',
    'running',
  ),
  SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: initiated(
    'signal',
    'externalSignal',
    'close',
    'failed',
  ),
  EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: initiated(
    'signal',
    'externalSignal',
    'close',
    'completed',
  ),
  REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: initiated(
    'other',
    'externalCancel',
    'open',
    'running',
  ),
  REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: initiated(
    'other',
    'externalCancel',
    'close',
    'failed',
  ),
  EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED: initiated(
    'other',
    'externalCancel',
    'close',
    'completed',
  ),

  WORKFLOW_EXECUTION_UPDATE_ADMITTED: kind('update', 'update', 'open', undefined, 'scheduled'),
  WORKFLOW_EXECUTION_UPDATE_ACCEPTED: kind('update', 'update', 'start', undefined, 'running'),
  WORKFLOW_EXECUTION_UPDATE_REJECTED: kind('update', 'update', 'close', undefined, 'rejected'),
  WORKFLOW_EXECUTION_UPDATE_COMPLETED: kind('update', 'update', 'close', undefined, 'completed'),

  MARKER_RECORDED: kind('marker', 'marker', 'alone', undefined, 'recorded'),

  NEXUS_OPERATION_SCHEDULED: nexus('open', 'scheduled'),
  NEXUS_OPERATION_STARTED: nexus('start', 'running'),
  NEXUS_OPERATION_COMPLETED: nexus('close', 'completed'),
  NEXUS_OPERATION_FAILED: nexus('close', 'failed'),
  NEXUS_OPERATION_CANCELED: nexus('close', 'canceled'),
  NEXUS_OPERATION_TIMED_OUT: nexus('close', 'timedOut'),
  NEXUS_OPERATION_CANCEL_REQUESTED: nexus('extra'),
  NEXUS_OPERATION_CANCEL_REQUEST_COMPLETED: nexus('extra'),
  NEXUS_OPERATION_CANCEL_REQUEST_FAILED: nexus('extra'),
};

const unknownKind: EventKind = kind('other', 'other', 'alone');
const prefix = 'EVENT_TYPE_';

/** The type's name without its prefix; an older PascalCase name is brought to the same form. */
export function eventTypeName(type: string | undefined): string {
  if (!type) return 'UNSPECIFIED';
  if (type.startsWith(prefix)) return type.slice(prefix.length);
  if (/^[A-Z][a-z]/.test(type)) return type.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  return type;
}

export function eventKind(typeName: string): EventKind {
  return table[typeName] ?? unknownKind;
}

const attributeKeys = new Map<string, string>();

/** `ACTIVITY_TASK_SCHEDULED` → `activityTaskScheduledEventAttributes`. */
export function attributesKey(typeName: string): string {
  let key = attributeKeys.get(typeName);
  if (key === undefined) {
    key = typeName.toLowerCase().replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());
    key += 'EventAttributes';
    attributeKeys.set(typeName, key);
  }
  return key;
}

const words = new Map<string, string>();

/** `ACTIVITY_TASK_SCHEDULED` → `Activity task scheduled`. */
export function eventWords(typeName: string): string {
  let text = words.get(typeName);
  if (text === undefined) {
    text = typeName.replaceAll('_', ' ').toLowerCase();
    text = text.charAt(0).toUpperCase() + text.slice(1);
    words.set(typeName, text);
  }
  return text;
}

export const knownEventTypes: readonly string[] = Object.keys(table);
