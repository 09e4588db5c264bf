import { UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo, useState, type ReactNode } from 'react';
import { openAction } from '@/actions/open';
import { RunActions } from '@/actions/RunActions';
import { decodeNow } from '@/api/decoder';
import { Icon } from '@/design/icons';
import { Id } from '@/design/Id';
import { Fact, Facts } from '@/design/parts';
import { StateBadge } from '@/design/StateBadge';
import { workflowState } from '@/design/states';
import { Duration, Time } from '@/design/Time';
import { likeStarted } from '@/model/start';
import { attributeText, setBySdk } from '@/model/attributes';
import { linksOf } from '@/model/links';
import { payloadsIn, sizeWords } from '@/model/payloads';
import { durationMs, type ExecutionInfo, type Memo, type SearchAttributes } from '@/model/proto';
import { spanWords } from '@/model/time';
import { executionStrings } from '@/strings/execution';
import { EventLinks, RunLink } from './parts/Attributes';
import { useDecoding } from './parts/codec';
import { isOpen, useRun } from './run';
import css from './Header.module.css';

const s = executionStrings.header;

/** A name and a value beside each other, as many to a line as fit. */
function Item({ name, children, wide = false }: { name: string; children: ReactNode; wide?: boolean }) {
  return (
    <span className={css['item']} data-wide={wide || undefined}>
      <span className={css['itemName']}>{name}</span>
      <span className={css['itemValue']}>{children}</span>
    </span>
  );
}

/** What the run's first event alone knows. */
function useStarted() {
  const a = useRun().state.firstEvent?.attributes ?? {};
  return {
    attempt: Number(a['attempt'] ?? 1),
    cron: String(a['cronSchedule'] ?? ''),
    identity: String(a['identity'] ?? ''),
  };
}

/** The menu of actions; what was done shows at once. */
function Actions() {
  const { id, state, store } = useRun();
  const info = state.describe?.workflowExecutionInfo;
  const first = state.firstEvent;
  if (!id || !info) return null;
  const startLike = async (): Promise<void> => {
    await decodeNow(id.ns, payloadsIn([first?.attributes, first?.raw.userMetadata]));
    const like = likeStarted(first?.attributes ?? {}, first?.raw.userMetadata);
    openAction({ kind: 'start', ns: id.ns, like });
  };
  return (
    <RunActions
      ns={id.ns}
      run={info}
      onDone={() => store.refresh()}
      {...(first ? { onStartLike: () => void startLike() } : {})}
    />
  );
}

export function Header() {
  const { id, state } = useRun();
  const [all, setAll] = useState(false);
  const info = state.describe?.workflowExecutionInfo;
  const started = useStarted();
  if (!id) return null;
  return (
    <header className={css['header']}>
      <div className={css['title']}>
        {info && <StateBadge state={workflowState(info.status)} />}
        <h1 className={css['type']}>{info?.type?.name ?? '…'}</h1>
        <span className={css['id']}>
          <Id value={id.workflowId} what={s.workflowId} />
        </span>
        {info && (
          <div className={css['actions']}>
            <Actions />
          </div>
        )}
      </div>
      <div className={css['strip']}>
        <Item name={s.run} wide>
          <Id value={id.runId} what={s.runId} />
        </Item>
        <Item name={s.started}>
          <Time at={info?.startTime} />
        </Item>
        <Item name={s.duration}>
          <Duration from={state.startMs} {...(isOpen(state) ? {} : { to: state.closeMs })} />
        </Item>
        {info?.taskQueue && (
          <Item name={s.queue}>
            <Link to="/namespaces/$ns/task-queues/$name" params={{ ns: id.ns, name: info.taskQueue }}>
              {info.taskQueue}
            </Link>
          </Item>
        )}
        {started.attempt > 1 && <Item name={s.attempt}>{started.attempt}</Item>}
        {started.cron && <Item name={s.cron}>{started.cron}</Item>}
        {info?.parentExecution?.workflowId && (
          <Item name={s.parent}>
            <RunLink workflowId={info.parentExecution.workflowId} runId={info.parentExecution.runId ?? ''} />
          </Item>
        )}
        <ChildrenItem />
        {state.describe?.workflowExtendedInfo?.cancelRequested && isOpen(state) && (
          <span className="sk-tone-amber">{s.cancelling}</span>
        )}
        <SearchAttributeItems attributes={info?.searchAttributes} />
        <UnstyledButton className={css['more']} aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? s.less : s.more}
          <Icon name={all ? 'up' : 'down'} size={12} />
        </UnstyledButton>
      </div>
      {all && <AllFacts info={info} />}
    </header>
  );
}

/** How many children it started, as far as its history is loaded; who they are is told beside. */
function ChildrenItem() {
  const { id, state } = useRun();
  const { log, version } = state;
  // The log changes in place: its version says when.
  const count = useMemo(() => log.steps().filter((step) => step.kind === 'child').length, [log, version]);
  if (count === 0 || !id) return null;
  return (
    <Item name={s.children}>
      <Link to="/namespaces/$ns/workflows/$workflowId/$runId/relations" params={{ ...id }}>
        {count.toLocaleString('en')}
      </Link>
    </Item>
  );
}

function SearchAttributeItems({ attributes }: { attributes: SearchAttributes | undefined }) {
  const fields = Object.entries(attributes?.indexedFields ?? {}).filter(([name]) => !setBySdk(name));
  return (
    <>
      {fields.slice(0, 4).map(([name, payload]) => (
        <Item key={name} name={name}>
          {attributeText(payload, 60)}
        </Item>
      ))}
    </>
  );
}

function Fields({ fields }: { fields: Memo['fields'] }) {
  useDecoding(() => Object.values(fields ?? {}));
  return (
    <>
      {Object.entries(fields ?? {}).map(([name, payload]) => (
        <div key={name}>
          <span className="sk-dim">{name}</span> {attributeText(payload)}
        </div>
      ))}
    </>
  );
}

function Timeouts() {
  const { describe } = useRun().state;
  const config = describe?.executionConfig;
  const words = (
    [
      [s.timeoutOf.execution, config?.workflowExecutionTimeout],
      [s.timeoutOf.run, config?.workflowRunTimeout],
      [s.timeoutOf.task, config?.defaultWorkflowTaskTimeout],
    ] as const
  )
    .map(([name, text]) => [name, durationMs(text)] as const)
    .filter(([, ms]) => ms > 0)
    .map(([name, ms]) => `${name} ${spanWords(ms)}`);
  if (words.length === 0) return null;
  return <Fact name={s.timeouts}>{words.join(', ')}</Fact>;
}

function AllFacts({ info }: { info: ExecutionInfo | undefined }) {
  const { id, state } = useRun();
  const started = useStarted();
  const links = linksOf(state.firstEvent?.raw.links);
  const extended = state.describe?.workflowExtendedInfo;
  const root = info?.rootExecution;
  const memo = info?.memo?.fields;
  const attributes = info?.searchAttributes?.indexedFields;
  return (
    <div className={css['all']}>
      <Facts>
        <Fact name={s.run}>{id && <Id value={id.runId} what={s.runId} />}</Fact>
        <Fact name={s.started}>
          <Time at={info?.startTime} />
        </Fact>
        {info?.closeTime && (
          <Fact name={s.closed}>
            <Time at={info.closeTime} />
          </Fact>
        )}
        {info?.executionTime && info.executionTime !== info.startTime && (
          <Fact name={s.startsAt}>
            <Time at={info.executionTime} />
          </Fact>
        )}
        {extended?.runExpirationTime && isOpen(state) && (
          <Fact name={s.expires}>
            <Time at={extended.runExpirationTime} />
          </Fact>
        )}
        <Timeouts />
        {info?.taskQueue && <Fact name={s.queue}>{info.taskQueue}</Fact>}
        <Fact name={s.attempt}>{started.attempt}</Fact>
        {links.length > 0 && (
          <Fact name={executionStrings.details.links}>
            <EventLinks links={links} />
          </Fact>
        )}
        {info?.workerDeploymentName && <Fact name={s.deployment}>{info.workerDeploymentName}</Fact>}
        {info?.priority?.priorityKey !== undefined && <Fact name={s.priority}>{info.priority.priorityKey}</Fact>}
      </Facts>
      <Facts>
        <Fact name={s.events}>{(state.total || 0).toLocaleString('en')}</Fact>
        {info?.historySizeBytes && <Fact name={s.size}>{sizeWords(Number(info.historySizeBytes))}</Fact>}
        {info?.stateTransitionCount && <Fact name={s.transitions}>{Number(info.stateTransitionCount).toLocaleString('en')}</Fact>}
        {root?.workflowId && root.workflowId !== id?.workflowId && (
          <Fact name={s.root}>
            <RunLink workflowId={root.workflowId} runId={root.runId ?? ''} />
          </Fact>
        )}
        {info?.firstRunId && info.firstRunId !== id?.runId && (
          <Fact name={s.firstRun}>
            <RunLink workflowId={id?.workflowId ?? ''} runId={info.firstRunId}>
              {info.firstRunId}
            </RunLink>
          </Fact>
        )}
        <Fact name={s.sameId}>
          {id && (
            <Link to="/namespaces/$ns/workflows" params={{ ns: id.ns }} search={{ q: `WorkflowId = "${id.workflowId.replaceAll('"', '\\"')}"` }}>
              {s.otherRuns}
            </Link>
          )}
        </Fact>
      </Facts>
      {(attributes || memo) && (
        <Facts>
          {attributes && (
            <Fact name={s.searchAttributes}>
              <Fields fields={attributes} />
            </Fact>
          )}
          {memo && (
            <Fact name={s.memo}>
              <Fields fields={memo} />
            </Fact>
          )}
        </Facts>
      )}
    </div>
  );
}
