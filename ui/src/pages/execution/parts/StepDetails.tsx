import { stepStates } from '@/design/states';
import { StateBadge } from '@/design/StateBadge';
import { Fact, Facts } from '@/design/parts';
import { Time } from '@/design/Time';
import { eventName, stepDetail, stepName } from '@/model/describe';
import type { Step } from '@/model/history';
import { linksOf } from '@/model/links';
import { payloadList } from '@/model/payloads';
import { durationMs, type Attributes, type Failure, type PendingActivity, type TaskQueue } from '@/model/proto';
import { spanWords } from '@/model/time';
import {
  childOf,
  outcomeNow,
  pendingActivityOf,
  stepBar,
  timeShares,
  type SegmentKind,
  type TimelineContext,
} from '@/model/timeline';
import { executionStrings } from '@/strings/execution';
import { EventLink, EventLinks, RunLink } from './Attributes';
import { stepPayloads, useDecoding } from './codec';
import { FailureView } from './Failure';
import { Payloads } from './Payloads';
import css from './StepDetails.module.css';

const s = executionStrings;
const shareOrder: readonly SegmentKind[] = ['queue', 'earlier', 'failed', 'retryWait', 'run', 'timer'];

function inputOf(step: Step): unknown {
  const a = (step.open ?? step.events[0])?.attributes ?? {};
  const request = (a['acceptedRequest'] ?? a['request']) as { input?: { args?: unknown } } | undefined;
  return a['input'] ?? request?.input?.args;
}

function resultOf(step: Step): unknown {
  const a = step.close?.attributes;
  return a?.['result'] ?? a?.['details'] ?? (a?.['outcome'] as { success?: unknown } | undefined)?.success;
}

function failureOf(step: Step): Failure | undefined {
  const a = (step.close ?? step.events[0])?.attributes ?? {};
  return (a['failure'] ?? (a['outcome'] as { failure?: unknown } | undefined)?.failure) as Failure | undefined;
}

const timeouts: readonly [string, string][] = [
  ['scheduleToCloseTimeout', 'schedule to close'],
  ['scheduleToStartTimeout', 'schedule to start'],
  ['startToCloseTimeout', 'start to close'],
  ['heartbeatTimeout', 'heartbeat'],
];

function timeoutWords(a: Attributes): string {
  return timeouts
    .map(([field, words]) => [words, durationMs(a[field] as string | undefined)] as const)
    .filter(([, ms]) => ms > 0)
    .map(([words, ms]) => `${words} ${spanWords(ms)}`)
    .join(', ');
}

function Times({ step, context }: { step: Step; context: TimelineContext }) {
  const bar = stepBar(step, context);
  const shares = timeShares(bar);
  const shown = shareOrder.filter((kind) => shares[kind] > 0 || (kind === 'run' && step.start));
  return (
    <>
      <Fact name={s.details.scheduled}>
        <Time at={bar.fromMs} />
      </Fact>
      {shown.map((kind) => (
        <Fact key={kind} name={s.timeline.segments[kind]}>
          <span className="sk-num">{spanWords(shares[kind])}</span>
        </Fact>
      ))}
    </>
  );
}

function Pending({ pending, nowMs }: { pending: PendingActivity; nowMs: number }) {
  const next = Date.parse(pending.nextAttemptScheduleTime ?? '');
  return (
    <>
      {next > nowMs && <Fact name={s.details.nextAttempt}>{s.timeline.due(spanWords(Math.ceil((next - nowMs) / 1000) * 1000))}</Fact>}
      {pending.pauseInfo && (
        <Fact name={s.details.state}>
          {s.pending.paused(pending.pauseInfo.manual?.identity ?? '')} {pending.pauseInfo.manual?.reason}
        </Fact>
      )}
    </>
  );
}

function StepFacts({ step, context }: { step: Step; context: TimelineContext }) {
  const a = (step.open ?? step.events[0])?.attributes ?? {};
  const pending = pendingActivityOf(step, context.pending);
  const attempt = pending?.attempt ?? Number(step.start?.attributes['attempt'] ?? 1);
  const max = pending?.maximumAttempts ?? (a['retryPolicy'] as { maximumAttempts?: number } | undefined)?.maximumAttempts;
  const worker = String(
    step.start?.attributes['identity'] ?? pending?.lastWorkerIdentity ?? a['identity'] ?? '',
  );
  const child = childOf(step, context.pending);
  const queue = (a['taskQueue'] as TaskQueue | undefined)?.name;
  const limits = timeoutWords(a);
  const links = step.events.flatMap((e) => linksOf(e.raw.links));
  return (
    <Facts>
      <Times step={step} context={context} />
      {(step.kind === 'activity' || attempt > 1) && (
        <Fact name={s.details.attempts}>{s.details.attemptOf(attempt, max ?? 0)}</Fact>
      )}
      {pending && <Pending pending={pending} nowMs={context.nowMs} />}
      {worker && <Fact name={s.details.worker}>{worker}</Fact>}
      {queue && <Fact name={s.header.queue}>{queue}</Fact>}
      {typeof a['activityId'] === 'string' && <Fact name={s.details.id}>{a['activityId']}</Fact>}
      {child?.runId && (
        <Fact name={s.kinds.child}>
          <RunLink workflowId={child.workflowId ?? ''} runId={child.runId} ns={child.namespace} />
        </Fact>
      )}
      {limits && <Fact name={s.header.timeouts}>{limits}</Fact>}
      {links.length > 0 && (
        <Fact name={s.details.links}>
          <EventLinks links={links} />
        </Fact>
      )}
      <Fact name={s.details.events}>
        {step.events.map((e, i) => (
          <span key={e.id}>
            {i > 0 && ', '}
            <EventLink event={e.id} /> <span className="sk-dim">{eventName(e)}</span>
          </span>
        ))}
      </Fact>
    </Facts>
  );
}

/** A step in full: its times, what went in, what came out, why it failed. */
export function StepDetails(props: { step: Step; context: TimelineContext; heading?: boolean }) {
  const { step, context, heading = true } = props;
  useDecoding(() => stepPayloads(step));
  const pending = pendingActivityOf(step, context.pending);
  const outcome = outcomeNow(step, context);
  const failure = failureOf(step);
  const input = payloadList(inputOf(step));
  const result = payloadList(resultOf(step));
  const last = pending?.lastFailure ?? (step.start?.attributes['lastFailure'] as Failure | undefined);
  const heartbeat = payloadList(pending?.heartbeatDetails);
  const takesInput = step.kind !== 'timer' && step.kind !== 'task' && step.kind !== 'marker' && step.kind !== 'workflow';
  return (
    <div className={css['details']}>
      {heading && (
        <header className={css['head']}>
          <div className={css['title']}>
            <span className="sk-dim">{s.kinds[step.kind]}</span> <strong>{stepName(step)}</strong>
          </div>
          {outcome && <StateBadge state={stepStates[outcome]} />}
        </header>
      )}
      {failure && <FailureView failure={failure} />}
      {!failure && last && (
        <section>
          <h2>{s.details.lastFailure}</h2>
          <FailureView failure={last} />
        </section>
      )}
      <StepFacts step={step} context={context} />
      {(step.kind === 'marker' || (step.kind === 'workflow' && input.length === 0)) && <p>{stepDetail(step)}</p>}
      {takesInput && step.open !== undefined ? (
        <section>
          <h2>{s.details.input}</h2>
          <Payloads payloads={input} what={s.details.input} none={s.details.none} />
        </section>
      ) : (
        input.length > 0 && (
          <section>
            <h2>{s.details.input}</h2>
            <Payloads payloads={input} what={s.details.input} />
          </section>
        )
      )}
      {(result.length > 0 || (step.outcome === 'completed' && step.kind === 'activity')) && (
        <section>
          <h2>{s.details.result}</h2>
          <Payloads payloads={result} what={s.details.result} none={s.details.noResult} />
        </section>
      )}
      {heartbeat.length > 0 && (
        <section>
          <h2>{s.details.heartbeat}</h2>
          <Payloads payloads={heartbeat} what={s.details.heartbeat} />
        </section>
      )}
    </div>
  );
}

