import { ActionIcon, Autocomplete, Button, Checkbox, NativeSelect, Switch, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon } from '@/design/icons';
import { JsonField } from '@/design/JsonField';
import { conflictPolicies, type Pair, reusePolicies, type StartForm } from '@/model/start';
import { strings } from '@/strings';
import css from './actions.module.css';

const f = strings.actions.form;

export interface PartProps {
  form: StartForm;
  set: (change: Partial<StartForm>) => void;
  errorOf: (field: string) => string | undefined;
}

const filled = (...texts: string[]) => texts.filter((text) => text.trim() !== '').length;

/** A part of the form that most do without; says how much of it is filled. */
function Section({ title, filled: count, children }: { title: string; filled: number; children: ReactNode }) {
  return (
    <details className={css['section']}>
      <summary>
        <Icon name="right" size={12} />
        {title}
        {count > 0 && <span className={css['sectionCount']}>{f.set(count)}</span>}
      </summary>
      <div className={css['sectionBody']}>{children}</div>
    </details>
  );
}

type TextName = { [K in keyof StartForm]: StartForm[K] extends string ? K : never }[keyof StartForm];

function TextField({ form, set, errorOf, name, label, hint }: PartProps & { name: TextName; label: string; hint?: string }) {
  return (
    <TextInput
      label={label}
      placeholder={hint ?? ''}
      value={form[name]}
      error={errorOf(name)}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
    />
  );
}

function policyOptions(policies: readonly string[], words: Record<string, string>) {
  return policies.map((value) => ({ value, label: value === '' ? f.byDefault : (words[value] ?? value) }));
}

export function Ids({ form, set }: PartProps) {
  return (
    <Section title={f.ids} filled={filled(form.reusePolicy, form.conflictPolicy)}>
      <div className={css['grid']}>
        <NativeSelect
          size="xs"
          label={f.reusePolicy}
          data={policyOptions(reusePolicies, f.reuse)}
          value={form.reusePolicy}
          onChange={(event) => set({ reusePolicy: event.currentTarget.value })}
        />
        <NativeSelect
          size="xs"
          label={f.conflictPolicy}
          data={policyOptions(conflictPolicies, f.conflict)}
          value={form.conflictPolicy}
          onChange={(event) => set({ conflictPolicy: event.currentTarget.value })}
        />
      </div>
    </Section>
  );
}

export function Timing(props: PartProps) {
  const { executionTimeout, runTimeout, taskTimeout, delay, cron } = props.form;
  return (
    <Section title={f.timing} filled={filled(executionTimeout, runTimeout, taskTimeout, delay, cron)}>
      <div className={css['grid']}>
        <TextField {...props} name="executionTimeout" label={f.executionTimeout} hint={f.durationHint} />
        <TextField {...props} name="runTimeout" label={f.runTimeout} hint={f.durationHint} />
        <TextField {...props} name="taskTimeout" label={f.taskTimeout} hint={f.durationHint} />
        <TextField {...props} name="delay" label={f.delay} hint={f.durationHint} />
        <TextField {...props} name="cron" label={f.cron} hint={f.cronHint} />
      </div>
    </Section>
  );
}

export function Retry({ form, set, errorOf }: PartProps) {
  const { retry } = form;
  const { on, ...texts } = retry;
  const field = (name: keyof typeof texts, label: string, hint = '') => (
    <TextInput
      label={label}
      placeholder={hint}
      disabled={!on}
      value={retry[name]}
      error={errorOf(`retry.${name}`)}
      onChange={(event) => set({ retry: { ...retry, [name]: event.currentTarget.value } })}
    />
  );
  return (
    <Section title={f.retry} filled={on ? 1 + filled(...Object.values(texts)) : 0}>
      <Switch
        label={f.retryOn}
        checked={on}
        onChange={(event) => set({ retry: { ...retry, on: event.currentTarget.checked } })}
      />
      <div className={css['grid']}>
        {field('initial', f.initial, f.durationHint)}
        {field('backoff', f.backoff)}
        {field('maximum', f.maximum, f.durationHint)}
        {field('attempts', f.attempts)}
        {field('nonRetryable', f.nonRetryable, f.nonRetryableHint)}
      </div>
    </Section>
  );
}

interface PairsProps {
  title: string;
  pairs: readonly Pair[];
  onChange: (pairs: Pair[]) => void;
  errorOf: (index: number) => string | undefined;
  keys?: readonly string[];
  json: boolean;
}

function PairValue({ title, pair, json, error, onChange }: {
  title: string;
  pair: Pair;
  json: boolean;
  error: string | undefined;
  onChange: (value: string) => void;
}) {
  const shown = pair.value === '' ? undefined : error;
  if (json)
    return <JsonField hideLabel label={`${title}: ${f.jsonValue}`} value={pair.value} onChange={onChange} error={shown} />;
  return (
    <TextInput
      aria-label={`${title}: ${f.value}`}
      placeholder={f.value}
      value={pair.value}
      error={shown}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function Pairs({ title, pairs, onChange, errorOf, keys, json }: PairsProps) {
  const set = (index: number, change: Partial<Pair>) =>
    onChange(pairs.map((p, i) => (i === index ? { ...p, ...change } : p)));
  return (
    <div className={css['inputs']} role="group" aria-label={title}>
      <div className={css['inputsHead']}>
        {title}
        <Button
          variant="subtle"
          leftSection={<Icon name="plus" size={12} />}
          onClick={() => onChange([...pairs, { key: '', value: '' }])}
        >
          {f.add}
        </Button>
      </div>
      {pairs.map((pair, i) => (
        <div key={i} className={css['pair']}>
          <Autocomplete
            aria-label={`${title}: ${f.key}`}
            placeholder={f.key}
            data={[...(keys ?? [])]}
            value={pair.key}
            onChange={(key) => set(i, { key })}
          />
          <PairValue title={title} pair={pair} json={json} error={errorOf(i)} onChange={(value) => set(i, { value })} />
          <ActionIcon
            aria-label={strings.common.remove(pair.key || title)}
            onClick={() => onChange(pairs.filter((_p, j) => j !== i))}
          >
            <Icon name="close" size={12} />
          </ActionIcon>
        </div>
      ))}
    </div>
  );
}

export function Data({ form, set, errorOf, attributes }: PartProps & { attributes: readonly string[] }) {
  return (
    <Section title={f.data} filled={form.memo.length + form.searchAttributes.length + form.headers.length}>
      <Pairs
        json
        title={f.memo}
        pairs={form.memo}
        onChange={(memo) => set({ memo })}
        errorOf={(i) => errorOf(`memo.${i}`)}
      />
      <Pairs
        json={false}
        title={f.searchAttributes}
        keys={attributes}
        pairs={form.searchAttributes}
        onChange={(searchAttributes) => set({ searchAttributes })}
        errorOf={(i) => errorOf(`searchAttributes.${i}`)}
      />
      <Pairs
        json
        title={f.headers}
        pairs={form.headers}
        onChange={(headers) => set({ headers })}
        errorOf={(i) => errorOf(`headers.${i}`)}
      />
    </Section>
  );
}

/** For workers that take something other than JSON. */
export function Encoding({ form, set, errorOf }: PartProps) {
  return (
    <Section title={f.encoding} filled={form.inputMeta.length + Number(form.inputBase64)}>
      <p className="sk-dim">{f.inputMetaHint}</p>
      <Pairs
        json={false}
        title={f.inputMeta}
        keys={['encoding', 'messageType']}
        pairs={form.inputMeta}
        onChange={(inputMeta) => set({ inputMeta })}
        errorOf={(i) => errorOf(`inputMeta.${i}`)}
      />
      <Checkbox
        label={f.inputBase64}
        checked={form.inputBase64}
        onChange={(event) => set({ inputBase64: event.currentTarget.checked })}
      />
    </Section>
  );
}

export function Labels(props: PartProps) {
  const { form, set } = props;
  const { summary, details, priority, fairnessKey, fairnessWeight } = form;
  return (
    <Section title={f.labels} filled={filled(summary, details, priority, fairnessKey, fairnessWeight)}>
      <TextField {...props} name="summary" label={f.summary} />
      <Textarea
        label={f.details}
        autosize
        minRows={2}
        value={details}
        onChange={(event) => set({ details: event.currentTarget.value })}
      />
      <div className={css['grid']}>
        <TextField {...props} name="priority" label={f.priority} hint={f.priorityHint} />
        <TextField {...props} name="fairnessKey" label={f.fairnessKey} />
        <TextField {...props} name="fairnessWeight" label={f.fairnessWeight} />
      </div>
    </Section>
  );
}
