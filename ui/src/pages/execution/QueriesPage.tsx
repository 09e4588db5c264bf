import { Button, Checkbox, Textarea, TextInput, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { queryRun, type RunId } from '@/api/executions';
import { Icon } from '@/design/icons';
import { CommandLine, ErrorPanel, Panel } from '@/design/parts';
import { Time } from '@/design/Time';
import { config } from '@/app/config';
import { cli } from '@/model/cli';
import { payloadList } from '@/model/payloads';
import { enumWords, type Payload } from '@/model/proto';
import { argumentTexts, metadataQuery, namesInError, readArguments, readMetadata, resultText, stackQuery } from '@/model/queries';
import { parseStack, type StackBlock } from '@/model/stack';
import { spanWords } from '@/model/time';
import { executionStrings } from '@/strings/execution';
import { Payloads } from './parts/Payloads';
import { isOpen, useRun } from './run';
import css from './QueriesPage.module.css';

const s = executionStrings.queries;

function Block({ block, internal }: { block: StackBlock; internal: boolean }) {
  const shown = internal ? block.frames : block.frames.filter((f) => !f.internal);
  const left = block.frames.length - shown.length;
  return (
    <div className={css['block']}>
      {(block.name || block.state) && (
        <h3>
          {block.name} {block.state && <span className="sk-dim">{block.state}</span>}
        </h3>
      )}
      <ol className={css['frames']}>
        {shown.map((frame, i) => (
          <li key={i} data-internal={frame.internal || undefined}>
            <span className={css['call']}>{frame.call || frame.text.trim()}</span>
            {frame.file && (
              <span className={css['place']}>
                {frame.file}
                {frame.line > 0 && `:${frame.line}`}
              </span>
            )}
          </li>
        ))}
      </ol>
      {left > 0 && <p className="sk-dim">{s.internal(left)}</p>}
    </div>
  );
}

function Stack({ id, open }: { id: RunId; open: boolean }) {
  const [internal, setInternal] = useState(false);
  const stack = useQuery({
    queryKey: ['stack', id.ns, id.workflowId, id.runId],
    queryFn: ({ signal }) => queryRun(id, stackQuery, undefined, signal),
    enabled: open,
    retry: false,
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 0,
  });
  const text = resultText(stack.data?.queryResult);
  const blocks = parseStack(text);
  const rejected = stack.data?.queryRejected?.status;
  return (
    <Panel
      title={s.stack}
      aside={
        <>
          {stack.dataUpdatedAt > 0 && (
            <span className="sk-dim">
              {s.asked} <Time at={stack.dataUpdatedAt} />
            </span>
          )}
          <Button leftSection={<Icon name="refresh" />} onClick={() => void stack.refetch()} disabled={stack.isFetching}>
            {stack.dataUpdatedAt > 0 || stack.isError ? s.refresh : s.ask}
          </Button>
        </>
      }
    >
      {stack.isFetching && <p className="sk-dim">{s.asking}</p>}
      {!stack.isFetching && stack.isError && <Refused error={stack.error} />}
      {!stack.isFetching && !stack.data && !stack.isError && <p className="sk-dim">{open ? s.stackHint : s.closed}</p>}
      {rejected && <p>{s.rejected(enumWords(rejected, 'WORKFLOW_EXECUTION_STATUS').toLowerCase())}</p>}
      {blocks.map((block, i) => (
        <Block key={i} block={block} internal={internal} />
      ))}
      {blocks.some((b) => b.frames.some((f) => f.internal)) && (
        <Checkbox label={s.showInternal} checked={internal} onChange={(e) => setInternal(e.currentTarget.checked)} />
      )}
    </Panel>
  );
}

function Refused({ error }: { error: unknown }) {
  return (
    <>
      <ErrorPanel error={error} />
      <p className="sk-dim">{s.needsWorker}</p>
    </>
  );
}

interface Answer {
  key: number;
  type: string;
  args: string;
  atMs: number;
  tookMs: number;
  result?: Payload[];
  rejected?: string;
  error?: unknown;
}

const answersMax = 50;

/** Asks, and keeps the answers while the page is open. */
function useAnswers(id: RunId) {
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const [busy, setBusy] = useState(false);
  const ask = async (type: string, args: string, payloads: Payload[]): Promise<void> => {
    const atMs = Date.now();
    setBusy(true);
    const base = { key: atMs, type, args, atMs };
    let answer: Answer;
    try {
      const { queryResult, queryRejected } = await queryRun(id, type, payloads.length > 0 ? { payloads } : undefined);
      answer = {
        ...base,
        tookMs: Date.now() - atMs,
        result: payloadList(queryResult),
        ...(queryRejected?.status ? { rejected: queryRejected.status } : {}),
      };
    } catch (error) {
      answer = { ...base, tookMs: Date.now() - atMs, error };
    }
    setBusy(false);
    setAnswers((before) => [answer, ...before].slice(0, answersMax));
  };
  return { answers, busy, ask };
}

export function QueriesPage() {
  const { id, state } = useRun();
  if (!id) return null;
  return <Queries id={id} open={isOpen(state)} />;
}

function Queries({ id, open }: { id: RunId; open: boolean }) {
  const [type, setType] = useState('');
  const [args, setArgs] = useState('');
  const { answers, busy, ask } = useAnswers(id);
  const metadata = useQuery({
    queryKey: ['metadata', id.ns, id.workflowId, id.runId],
    queryFn: ({ signal }) => queryRun(id, metadataQuery, undefined, signal),
    enabled: open,
    retry: false,
    refetchOnWindowFocus: false,
    staleTime: 60_000,
  });
  const { queries, details } = readMetadata(metadata.data?.queryResult);
  const failed = answers.find((a) => a.error !== undefined)?.error;
  const known = [
    ...queries.map((q) => q.name),
    ...namesInError(failed instanceof Error ? failed.message : ''),
  ].filter((name, i, all) => all.indexOf(name) === i);
  const read = readArguments(args);
  const bad = 'badLine' in read ? s.argsBad(read.badLine) : undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (type.trim() !== '' && 'payloads' in read) void ask(type.trim(), args, read.payloads);
  };
  return (
    <div className={css['page']}>
      <div className={css['column']}>
        <Panel title={s.query}>
          <form className={css['form']} onSubmit={submit}>
            <TextInput
              label={s.type}
              placeholder={s.typePlaceholder}
              value={type}
              onChange={(e) => setType(e.currentTarget.value)}
              spellCheck={false}
            />
            {known.length > 0 && (
              <div className={css['known']} role="group" aria-label={s.known}>
                {known.map((name) => (
                  <UnstyledButton
                    key={name}
                    className={css['chip'] ?? ''}
                    title={queries.find((q) => q.name === name)?.description}
                    onClick={() => setType(name)}
                  >
                    {name}
                  </UnstyledButton>
                ))}
              </div>
            )}
            <Textarea
              label={s.args}
              description={s.argsHint}
              value={args}
              error={bad}
              autosize
              minRows={2}
              maxRows={12}
              spellCheck={false}
              onChange={(e) => setArgs(e.currentTarget.value)}
            />
            <div className={css['submit']}>
              <Button type="submit" variant="filled" disabled={type.trim() === '' || bad !== undefined || busy}>
                {s.run}
              </Button>
              {busy && <span className="sk-dim">{s.asking}</span>}
              {!open && <span className="sk-dim">{s.closed}</span>}
            </div>
            {type.trim() !== '' && (
              <CommandLine
                what={executionStrings.copyCommand}
                command={cli.query(
                  { namespace: id.ns, workflowId: id.workflowId, runId: id.runId, address: config.grpcAddress },
                  type.trim(),
                  argumentTexts(args),
                )}
              />
            )}
          </form>
        </Panel>
        {details && (
          <Panel title={s.details}>
            <p className={css['details']}>{details}</p>
          </Panel>
        )}
        <Panel title={s.results}>
          {answers.length === 0 && <p className="sk-dim">{s.noResults}</p>}
          {answers.map((answer) => (
            <OneAnswer key={answer.key} answer={answer} onUse={() => (setType(answer.type), setArgs(answer.args))} />
          ))}
        </Panel>
      </div>
      <div className={css['column']}>
        <Stack id={id} open={open} />
      </div>
    </div>
  );
}

function OneAnswer({ answer, onUse }: { answer: Answer; onUse: () => void }) {
  return (
    <section className={css['answer']}>
      <header>
        <UnstyledButton className={css['again'] ?? ''} onClick={onUse} title={s.again}>
          {answer.type}
        </UnstyledButton>
        <span className={css['asked']}>{answer.args}</span>
        <span className="sk-dim">
          <Time at={answer.atMs} />, {s.took(spanWords(answer.tookMs))}
        </span>
      </header>
      {answer.error !== undefined && <Refused error={answer.error} />}
      {answer.rejected && <p>{s.rejected(enumWords(answer.rejected, 'WORKFLOW_EXECUTION_STATUS').toLowerCase())}</p>}
      {answer.result && !answer.rejected && <Payloads payloads={answer.result} what={answer.type} none={executionStrings.payload.empty} />}
    </section>
  );
}
