import type { ReactNode } from 'react';
import { Fact, Facts, Panel } from '@/design/parts';
import { attributeText, setBySdk } from '@/model/attributes';
import { payloadList } from '@/model/payloads';
import type { Attributes, Failure, Payload, UserMetadata } from '@/model/proto';
import { executionStrings } from '@/strings/execution';
import { FailureView } from './parts/Failure';
import { Payloads } from './parts/Payloads';
import { isOpen, useRun } from './run';
import css from './InputPage.module.css';

const s = executionStrings.input;

/** What the run's last event says about how it ended. */
export function Outcome() {
  const { state } = useRun();
  if (isOpen(state)) return <p className="sk-dim">{s.running}</p>;
  const last = state.log.get(state.log.last);
  if (!last || last.category !== 'workflow') return <p className="sk-dim">{s.waiting}</p>;
  const a = last.attributes;
  switch (last.type) {
    case 'WORKFLOW_EXECUTION_COMPLETED':
      return <Payloads payloads={payloadList(a['result'])} what={s.result} none={s.noResult} />;
    case 'WORKFLOW_EXECUTION_FAILED':
      return <FailureView failure={(a['failure'] ?? {}) as Failure} />;
    case 'WORKFLOW_EXECUTION_CANCELED':
      return (
        <>
          <p>{s.canceled}</p>
          <Payloads payloads={payloadList(a['details'])} what={s.result} />
        </>
      );
    case 'WORKFLOW_EXECUTION_TERMINATED':
      return (
        <>
          <p>{s.terminatedBy(String(a['identity'] ?? ''), String(a['reason'] ?? ''))}</p>
          <Payloads payloads={payloadList(a['details'])} what={s.result} />
        </>
      );
    case 'WORKFLOW_EXECUTION_TIMED_OUT':
      return <p>{s.timedOut}</p>;
    case 'WORKFLOW_EXECUTION_CONTINUED_AS_NEW':
      return (
        <>
          <p>{s.continued}</p>
          <Payloads payloads={payloadList(a['input'])} what={s.input} none={s.noInput} />
        </>
      );
    default:
      return null;
  }
}

export function Input() {
  const { firstEvent } = useRun().state;
  if (!firstEvent) return <p className="sk-dim">{s.waiting}</p>;
  return <Payloads payloads={payloadList(firstEvent.attributes['input'])} what={s.input} none={s.noInput} />;
}

function Fields({ title, fields }: { title: string; fields: Record<string, Payload> | undefined }) {
  const list = Object.entries(fields ?? {});
  if (list.length === 0) return null;
  return (
    <Panel title={title}>
      {list.map(([name, payload]) => (
        <Part key={name} name={name}>
          <Payloads payloads={[payload]} what={name} />
        </Part>
      ))}
    </Panel>
  );
}

/** Short values in lines; those that an SDK sets for itself are folded away. */
function Attributes({ fields }: { fields: Record<string, Payload> | undefined }) {
  const all = Object.entries(fields ?? {});
  const sdk = all.filter(([name]) => setBySdk(name));
  const own = all.filter(([name]) => !setBySdk(name));
  const facts = (list: typeof all): ReactNode => (
    <Facts>
      {list.map(([name, payload]) => (
        <Fact key={name} name={name}>
          {attributeText(payload)}
        </Fact>
      ))}
    </Facts>
  );
  if (all.length === 0) return null;
  return (
    <Panel title={s.searchAttributes}>
      {own.length > 0 && facts(own)}
      {sdk.length > 0 && (
        <details className={css['folded']}>
          <summary>{s.bySdk(sdk.map(([name]) => name).join(', '))}</summary>
          {facts(sdk)}
        </details>
      )}
    </Panel>
  );
}

function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css['part']}>
      <h3>{name}</h3>
      {children}
    </div>
  );
}

function Before({ a }: { a: Attributes }) {
  const result = payloadList(a['lastCompletionResult']);
  const failure = a['continuedFailure'] as Failure | undefined;
  return (
    <>
      {result.length > 0 && (
        <Panel title={s.lastResult}>
          <Payloads payloads={result} what={s.lastResult} />
        </Panel>
      )}
      {failure && (
        <Panel title={s.lastFailure}>
          <FailureView failure={failure} />
        </Panel>
      )}
    </>
  );
}

/** What went in and what came out, and everything that travels with a run. */
export function InputPage() {
  const { state } = useRun();
  const info = state.describe?.workflowExecutionInfo;
  const a = state.firstEvent?.attributes ?? {};
  const headers = (a['header'] as { fields?: Record<string, Payload> } | undefined)?.fields;
  const user = (state.firstEvent?.raw.userMetadata ?? state.describe?.executionConfig?.userMetadata) as UserMetadata | undefined;
  const summary = [user?.summary, user?.details].filter((p) => p !== undefined);
  const memo = info?.memo?.fields ?? (a['memo'] as { fields?: Record<string, Payload> } | undefined)?.fields;
  const attributes =
    info?.searchAttributes?.indexedFields ??
    (a['searchAttributes'] as { indexedFields?: Record<string, Payload> } | undefined)?.indexedFields;
  return (
    <div className={css['page']}>
      <div className={css['columns']}>
        <Panel title={s.input}>
          <Input />
        </Panel>
        <Panel title={s.result}>
          <Outcome />
        </Panel>
        {summary.length > 0 && (
          <Panel title={s.summary}>
            <Payloads payloads={summary} what={s.summary} />
          </Panel>
        )}
        <Before a={a} />
        <Attributes fields={attributes} />
        <Fields title={s.memo} fields={memo} />
        <Fields title={s.headers} fields={headers} />
      </div>
    </div>
  );
}
