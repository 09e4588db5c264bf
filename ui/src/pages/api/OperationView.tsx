import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { ActionButton } from '@/actions/ActionButton';
import { type RawAnswer, rawGet } from '@/api/openapi';
import { config } from '@/app/config';
import { CopyButton } from '@/design/CopyButton';
import { Icon } from '@/design/icons';
import { JsonField } from '@/design/JsonField';
import { CommandLine, ErrorPanel, Panel } from '@/design/parts';
import { isJson, prettyJson } from '@/model/json';
import {
  addressOf,
  curlOf,
  lacking,
  type OpenApi,
  type Operation,
  type Parameter,
  skeleton,
  type Values,
} from '@/model/openapi';
import { payloadShownMax, sizeWords } from '@/model/payloads';
import { strings } from '@/strings';
import css from './ApiPage.module.css';
import { OwnMark } from './OwnMark';
import { SchemaTree } from './SchemaTree';

const s = strings.api;

interface ParametersProps {
  parameters: readonly Parameter[];
  values: Values;
  onChange: (values: Values) => void;
}

function Parameters({ parameters, values, onChange }: ParametersProps) {
  return (
    <Panel title={s.parameters}>
      <div className={css['parameters']}>
        {parameters.map(({ name, in: where }) => (
          <TextInput
            key={name}
            label={
              <>
                <span className="sk-mono">{name}</span>
                <span className={css['where']}>{where === 'path' ? s.inPath : s.inQuery}</span>
              </>
            }
            required={where === 'path'}
            withAsterisk={false}
            autoComplete="off"
            spellCheck={false}
            value={values[name] ?? ''}
            onChange={(event) => onChange({ ...values, [name]: event.currentTarget.value })}
          />
        ))}
      </div>
    </Panel>
  );
}

function Answer({ answer }: { answer: RawAnswer }) {
  const text = isJson(answer.text) ? prettyJson(answer.text) : answer.text;
  const cut = text.length - payloadShownMax;
  return (
    <div className={css['answer']} data-wrong={answer.status >= 400 || undefined}>
      <div className={css['answerHead']} role="status">
        {s.result(answer.status, answer.ms, sizeWords(answer.text.length))}
        <CopyButton text={text} what={s.resultName} />
      </div>
      <pre tabIndex={0} role="region" aria-label={s.resultName}>
        {text.slice(0, payloadShownMax)}
      </pre>
      {cut > 0 && <p className="sk-dim">{s.cut(cut)}</p>}
    </div>
  );
}

/** Sends the GET that the form describes. */
function TryIt({ address, missing }: { address: string; missing: readonly string[] }) {
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const call = useMutation({
    mutationFn: () => {
      abort.current = new AbortController();
      return rawGet(address, abort.current.signal);
    },
  });
  const stopped = call.error instanceof DOMException;
  return (
    <>
      <div className={css['try']}>
        {call.isPending ? (
          <Button onClick={() => abort.current?.abort()}>{s.stop}</Button>
        ) : (
          <ActionButton filled why={missing.length > 0 ? s.lacking(missing.join(', ')) : undefined} onClick={() => call.mutate()}>
            {s.tryIt}
          </ActionButton>
        )}
        {call.isPending && <span className="sk-dim">{strings.common.loading}</span>}
      </div>
      {call.error && !stopped && <ErrorPanel error={call.error} />}
      {call.data && <Answer answer={call.data} />}
    </>
  );
}

function Head({ operation }: { operation: Operation }) {
  const { id, method, path, own, built, description } = operation;
  return (
    <header className={css['head']}>
      <div className={css['headName']}>
        <Link to="/api" search={(now) => ({ ...now, op: undefined })} className={css['back']}>
          <Icon name="left" size={12} /> {s.back}
        </Link>
        <h2>{id}</h2>
        {own && <OwnMark />}
      </div>
      <div className={css['route']}>
        <span className={css['method']}>{method}</span>
        <span className="sk-mono">{path}</span>
        <CopyButton text={path} what={s.copyAddress} />
      </div>
      {description && <p>{description}</p>}
      {!built && (
        <p className={css['notBuilt']}>
          <Icon name="attention" /> {s.notBuilt}
        </p>
      )}
    </header>
  );
}

/** One method: what it takes, what it answers, and the call itself. */
export function OperationView({ doc, operation, ns }: { doc: OpenApi; operation: Operation; ns: string }) {
  const { parameters, answer, method, streams, built } = operation;
  const [values, setValues] = useState<Values>({ namespace: ns });
  const [body, setBody] = useState(() => skeleton(doc, operation));
  const address = addressOf(location.origin + config.base, operation, values);
  const inPath = parameters.filter((p) => p.in === 'path').map((p) => p.name);
  return (
    <article className={css['view']} aria-label={operation.id}>
      <Head operation={operation} />
      {parameters.length > 0 && <Parameters parameters={parameters} values={values} onChange={setValues} />}
      {operation.body && (
        <Panel title={s.body}>
          <JsonField
            hideLabel
            label={s.body}
            value={body}
            onChange={setBody}
            error={isJson(body) ? undefined : s.invalidJson}
          />
        </Panel>
      )}
      <Panel title={s.curlTitle}>
        <CommandLine command={curlOf(operation, address, body)} what={s.curl} />
        {built && method === 'GET' && <TryIt address={address} missing={lacking(operation, values)} />}
      </Panel>
      {operation.body && (
        <Panel title={s.bodyFields}>
          <SchemaTree doc={doc} schema={operation.body} without={inPath} />
        </Panel>
      )}
      {answer && (
        <Panel title={streams ? s.answerLines : s.answer}>
          <SchemaTree doc={doc} schema={answer} />
        </Panel>
      )}
    </article>
  );
}
