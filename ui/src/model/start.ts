import { command, type CliTarget } from './cli';
import { durationSeconds } from './condition';
import type { Field } from './completion';
import { isJson } from './json';
import { decodePayload, jsonPayload, payloadList, textBase64 } from './payloads';
import type { Memo, Payload, RetryPolicy, SearchAttributes, TaskQueue, TypeName, UserMetadata } from './proto';

/** The form that starts a workflow: all texts as somebody types them. */
export interface StartForm {
  workflowId: string;
  type: string;
  taskQueue: string;
  /** One text an argument: JSON, unless the two below say otherwise. */
  inputs: string[];
  inputMeta: Pair[];
  inputBase64: boolean;
  reusePolicy: string;
  conflictPolicy: string;
  executionTimeout: string;
  runTimeout: string;
  taskTimeout: string;
  cron: string;
  delay: string;
  retry: { on: boolean; initial: string; backoff: string; maximum: string; attempts: string; nonRetryable: string };
  memo: Pair[];
  searchAttributes: Pair[];
  headers: Pair[];
  summary: string;
  details: string;
  priority: string;
  fairnessKey: string;
  fairnessWeight: string;
  /** For signal-with-start. */
  signalName: string;
  signalInputs: string[];
}

export interface Pair {
  key: string;
  value: string;
}

export const reusePolicies = ['', 'ALLOW_DUPLICATE', 'ALLOW_DUPLICATE_FAILED_ONLY', 'REJECT_DUPLICATE'] as const;
export const conflictPolicies = ['', 'FAIL', 'USE_EXISTING', 'TERMINATE_EXISTING'] as const;

export function emptyStart(): StartForm {
  return {
    workflowId: '',
    type: '',
    taskQueue: '',
    inputs: [],
    inputMeta: [],
    inputBase64: false,
    reusePolicy: '',
    conflictPolicy: '',
    executionTimeout: '',
    runTimeout: '',
    taskTimeout: '',
    cron: '',
    delay: '',
    retry: { on: false, initial: '', backoff: '', maximum: '', attempts: '', nonRetryable: '' },
    memo: [],
    searchAttributes: [],
    headers: [],
    summary: '',
    details: '',
    priority: '',
    fairnessKey: '',
    fairnessWeight: '',
    signalName: '',
    signalInputs: [],
  };
}

/** A field of the form and what is wrong with it. */
export type Problem = { field: string; problem: 'missing' | 'json' | 'base64' | 'duration' | 'number' | 'value' };

const isBase64 = (text: string) => text.trim().length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text.trim());

/** The metadata that the arguments go with, `encoding` among them. */
function metadataOf(form: StartForm): Record<string, string> {
  const named = form.inputMeta.filter((p) => p.key !== '').map((p) => [p.key, p.value]);
  return { encoding: 'json/plain', ...Object.fromEntries(named) };
}

const encodingOf = (form: StartForm) => metadataOf(form)['encoding'] ?? '';

const isPositive = (text: string) => Number.isFinite(Number(text)) && Number(text) >= 0;

export function problems(form: StartForm, signal: boolean, attributes: readonly Field[]): Problem[] {
  const found: Problem[] = [];
  const need = (field: string, text: string) => {
    if (text.trim() === '') found.push({ field, problem: 'missing' });
  };
  const json = (field: string, text: string) => {
    if (!isJson(text)) found.push({ field, problem: 'json' });
  };
  const duration = (field: string, text: string) => {
    if (text.trim() !== '' && durationSeconds(text) === undefined) found.push({ field, problem: 'duration' });
  };
  const number = (field: string, text: string) => {
    if (text.trim() !== '' && !isPositive(text)) found.push({ field, problem: 'number' });
  };
  need('type', form.type);
  need('taskQueue', form.taskQueue);
  if (signal) need('signalName', form.signalName);
  form.inputs.forEach((text, i) => {
    if (form.inputBase64) {
      if (!isBase64(text)) found.push({ field: `inputs.${i}`, problem: 'base64' });
    } else if (encodingOf(form).startsWith('json/')) json(`inputs.${i}`, text);
  });
  if (signal) form.signalInputs.forEach((text, i) => json(`signalInputs.${i}`, text));
  for (const name of ['executionTimeout', 'runTimeout', 'taskTimeout', 'delay'] as const) duration(name, form[name]);
  if (form.retry.on) {
    duration('retry.initial', form.retry.initial);
    duration('retry.maximum', form.retry.maximum);
    number('retry.backoff', form.retry.backoff);
    number('retry.attempts', form.retry.attempts);
  }
  for (const list of ['memo', 'headers'] as const)
    form[list].forEach(({ key, value }, i) => {
      if (key !== '') json(`${list}.${i}`, value);
    });
  form.searchAttributes.forEach(({ key, value }, i) => {
    if (key !== '' && attributeJson(attributes.find((a) => a.name === key), value) === undefined)
      found.push({ field: `searchAttributes.${i}`, problem: 'value' });
  });
  number('priority', form.priority);
  number('fairnessWeight', form.fairnessWeight);
  return found;
}

/** A search attribute's value as JSON; what is typed needs no quotes where the type is a text. */
export function attributeJson(field: Field | undefined, text: string): string | undefined {
  const value = text.trim();
  switch (field?.type) {
    case 'Int':
      return /^[+-]?\d+$/.test(value) ? value : undefined;
    case 'Double':
      return value !== '' && Number.isFinite(Number(value)) ? value : undefined;
    case 'Bool':
      return value === 'true' || value === 'false' ? value : undefined;
    case 'Datetime':
      return Number.isNaN(Date.parse(value)) ? undefined : JSON.stringify(new Date(value).toISOString());
    case 'KeywordList':
      return isJson(value) && value.startsWith('[')
        ? value
        : JSON.stringify(value.split(',').map((part) => part.trim()).filter(Boolean));
    default:
      return JSON.stringify(text);
  }
}

const seconds = (text: string) => {
  const s = text.trim() === '' ? undefined : durationSeconds(text);
  return s === undefined ? undefined : `${Number(s.toFixed(9))}s`;
};

const fields = (pairs: readonly Pair[]) => {
  const used = pairs.filter((p) => p.key !== '');
  return used.length > 0 ? Object.fromEntries(used.map((p) => [p.key, jsonPayload(p.value)])) : undefined;
};

function argumentPayloads(form: StartForm) {
  if (form.inputs.length === 0) return undefined;
  const metadata = Object.fromEntries(Object.entries(metadataOf(form)).map(([key, text]) => [key, textBase64(text)]));
  return { payloads: form.inputs.map((text) => ({ metadata, data: form.inputBase64 ? text.trim() : textBase64(text) })) };
}

const inputs = (texts: readonly string[]) => (texts.length > 0 ? { payloads: texts.map(jsonPayload) } : undefined);

function retryPolicy({ retry }: StartForm): RetryPolicy | undefined {
  if (!retry.on) return undefined;
  const nonRetryable = retry.nonRetryable.split(',').map((t) => t.trim()).filter(Boolean);
  return stripped({
    initialInterval: seconds(retry.initial),
    backoffCoefficient: retry.backoff.trim() === '' ? undefined : Number(retry.backoff),
    maximumInterval: seconds(retry.maximum),
    maximumAttempts: retry.attempts.trim() === '' ? undefined : Number(retry.attempts),
    nonRetryableErrorTypes: nonRetryable.length > 0 ? nonRetryable : undefined,
  }) as RetryPolicy;
}

function attributes(form: StartForm, known: readonly Field[]) {
  const used = form.searchAttributes.filter((p) => p.key !== '');
  if (used.length === 0) return undefined;
  return {
    indexedFields: Object.fromEntries(
      used.map((p) => [p.key, jsonPayload(attributeJson(known.find((a) => a.name === p.key), p.value) ?? 'null')]),
    ),
  };
}

function priority(form: StartForm) {
  const { priority: key, fairnessKey, fairnessWeight } = form;
  if (!key.trim() && !fairnessKey && !fairnessWeight.trim()) return undefined;
  return stripped({
    priorityKey: key.trim() ? Number(key) : undefined,
    fairnessKey: fairnessKey || undefined,
    fairnessWeight: fairnessWeight.trim() ? Number(fairnessWeight) : undefined,
  });
}

const textPayload = (text: string): Payload | undefined => (text ? jsonPayload(JSON.stringify(text)) : undefined);

/** An object without its undefined members. */
export function stripped(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined));
}

/** The body of StartWorkflowExecution, or of SignalWithStartWorkflowExecution where `signal` is true. */
export function startRequest(
  form: StartForm,
  workflowId: string,
  signal: boolean,
  known: readonly Field[],
): Record<string, unknown> {
  const memo = fields(form.memo);
  const header = fields(form.headers);
  const metadata = stripped({ summary: textPayload(form.summary), details: textPayload(form.details) });
  return stripped({
    workflowId,
    workflowType: { name: form.type.trim() },
    taskQueue: { name: form.taskQueue.trim() },
    input: argumentPayloads(form),
    workflowExecutionTimeout: seconds(form.executionTimeout),
    workflowRunTimeout: seconds(form.runTimeout),
    workflowTaskTimeout: seconds(form.taskTimeout),
    workflowIdReusePolicy: form.reusePolicy ? `WORKFLOW_ID_REUSE_POLICY_${form.reusePolicy}` : undefined,
    workflowIdConflictPolicy: form.conflictPolicy ? `WORKFLOW_ID_CONFLICT_POLICY_${form.conflictPolicy}` : undefined,
    retryPolicy: retryPolicy(form),
    cronSchedule: form.cron.trim() || undefined,
    workflowStartDelay: seconds(form.delay),
    memo: memo && { fields: memo },
    header: header && { fields: header },
    searchAttributes: attributes(form, known),
    userMetadata: Object.keys(metadata).length > 0 ? metadata : undefined,
    priority: priority(form),
    signalName: signal ? form.signalName.trim() : undefined,
    signalInput: signal ? inputs(form.signalInputs) : undefined,
  });
}

const camel = (policy: string) =>
  policy.toLowerCase().replace(/(^|_)([a-z])/g, (_all, _sep, letter: string) => letter.toUpperCase());

/** The same with the `temporal` command. */
export function startCommand(
  form: StartForm,
  target: CliTarget,
  workflowId: string,
  signal: boolean,
  known: readonly Field[],
): string {
  const pairs = (list: readonly Pair[]) => list.filter((p) => p.key !== '').map((p) => `${p.key}=${p.value}`);
  return command(signal ? 'workflow signal-with-start' : 'workflow start', target, {
    'workflow-id': workflowId,
    type: form.type,
    'task-queue': form.taskQueue,
    'signal-name': signal ? form.signalName : undefined,
    'signal-input': signal ? form.signalInputs : undefined,
    input: form.inputs,
    'input-meta': pairs(form.inputMeta),
    'input-base64': form.inputBase64,
    'id-reuse-policy': camel(form.reusePolicy),
    'id-conflict-policy': camel(form.conflictPolicy),
    'execution-timeout': form.executionTimeout,
    'run-timeout': form.runTimeout,
    'task-timeout': form.taskTimeout,
    cron: form.cron,
    'start-delay': form.delay,
    memo: pairs(form.memo),
    'search-attribute': form.searchAttributes
      .filter((p) => p.key !== '')
      .map((p) => `${p.key}=${attributeJson(known.find((a) => a.name === p.key), p.value) ?? p.value}`),
    headers: pairs(form.headers),
    'static-summary': form.summary,
    'static-details': form.details,
    'priority-key': form.priority,
    'fairness-key': form.fairnessKey,
    'fairness-weight': form.fairnessWeight,
  });
}

/** What the command has no flag for. */
export function beyondCommand(form: StartForm): boolean {
  return form.retry.on;
}

interface Started {
  workflowType?: TypeName;
  taskQueue?: TaskQueue;
  input?: unknown;
  workflowExecutionTimeout?: string;
  workflowRunTimeout?: string;
  workflowTaskTimeout?: string;
  retryPolicy?: RetryPolicy;
  cronSchedule?: string;
  memo?: Memo;
  searchAttributes?: SearchAttributes;
  header?: { fields?: Record<string, Payload> };
  priority?: { priorityKey?: number; fairnessKey?: string; fairnessWeight?: number };
}

/** JSON as it was sent; a text that is no JSON becomes one. Bytes have none: their field is left to be filled. */
function payloadJson(payload: Payload): string {
  const decoded = decodePayload(payload);
  return decoded.kind === 'text' ? JSON.stringify(decoded.text) : decoded.text;
}

const pairsOf = (map: Record<string, Payload> | undefined): Pair[] =>
  Object.entries(map ?? {}).map(([key, payload]) => ({ key, value: payloadJson(payload) }));

const shown = (duration: string | undefined) => (duration && duration !== '0s' ? duration : '');

/** "Start like this one": the form from the first event's attributes and the run's metadata. */
export function likeStarted(started: Started, metadata: UserMetadata | undefined): StartForm {
  const retry = started.retryPolicy;
  const text = (payload: Payload | undefined) => {
    if (!payload) return '';
    const json = payloadJson(payload);
    const parsed: unknown = isJson(json) ? JSON.parse(json) : '';
    return typeof parsed === 'string' ? parsed : '';
  };
  return {
    ...emptyStart(),
    type: started.workflowType?.name ?? '',
    taskQueue: started.taskQueue?.name ?? '',
    inputs: payloadList(started.input).map(payloadJson),
    executionTimeout: shown(started.workflowExecutionTimeout),
    runTimeout: shown(started.workflowRunTimeout),
    taskTimeout: shown(started.workflowTaskTimeout),
    cron: started.cronSchedule ?? '',
    retry: {
      on: retry !== undefined,
      initial: shown(retry?.initialInterval),
      backoff: retry?.backoffCoefficient ? String(retry.backoffCoefficient) : '',
      maximum: shown(retry?.maximumInterval),
      attempts: retry?.maximumAttempts ? String(retry.maximumAttempts) : '',
      nonRetryable: (retry?.nonRetryableErrorTypes ?? []).join(', '),
    },
    memo: pairsOf(started.memo?.fields),
    searchAttributes: pairsOf(started.searchAttributes?.indexedFields).map(({ key, value }) => ({
      key,
      value: /^"[^"\\]*"$/.test(value) ? value.slice(1, -1) : value,
    })),
    headers: pairsOf(started.header?.fields),
    summary: text(metadata?.summary),
    details: text(metadata?.details),
    priority: started.priority?.priorityKey ? String(started.priority.priorityKey) : '',
    fairnessKey: started.priority?.fairnessKey ?? '',
    fairnessWeight: started.priority?.fairnessWeight ? String(started.priority.fairnessWeight) : '',
  };
}
