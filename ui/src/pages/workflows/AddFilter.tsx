import { Autocomplete, Button, Popover, Select } from '@mantine/core';
import { useState } from 'react';
import { Icon } from '@/design/icons';
import { type Field, operatorsOf, statusNames } from '@/model/completion';
import { condition } from '@/model/condition';
import { strings } from '@/strings';
import css from './menus.module.css';

const s = strings.workflows.add;

interface Props {
  fields: readonly Field[];
  values: (field: string) => readonly string[];
  onAdd: (condition: string) => void;
}

function hint(field: Field, operator: string): string {
  if (operator.endsWith('IN') || operator === 'BETWEEN') return s.several;
  if (field.type === 'Datetime') return s.time;
  if (field.type === 'Duration') return s.duration;
  return s.valueHint(field.type);
}

function knownValues(field: Field, values: Props['values']): readonly string[] {
  if (field.type === 'Status') return statusNames;
  return field.type === 'Bool' ? ['true', 'false'] : values(field.name);
}

function Form({ fields, values, onAdd }: Props) {
  const [name, setName] = useState('WorkflowType');
  const [chosen, setOperator] = useState('=');
  const [value, setValue] = useState('');
  const field = fields.find((f) => f.name === name) ?? { name, type: 'Keyword' as const };
  const operators = operatorsOf(field.type);
  const operator = operators.includes(chosen) ? chosen : (operators[0] ?? '=');
  const made = condition(field, operator, value);
  const inPopover = { comboboxProps: { withinPortal: false, transitionProps: { duration: 0 } } };
  return (
    <form
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (made) onAdd(made);
      }}
    >
      <Select
        {...inPopover}
        label={s.column}
        searchable
        allowDeselect={false}
        value={name}
        data={fields.map((f) => f.name)}
        onChange={(next) => next && setName(next)}
      />
      <Select
        {...inPopover}
        label={s.operator}
        allowDeselect={false}
        value={operator}
        data={[...operators]}
        onChange={(next) => next && setOperator(next)}
      />
      {!operator.endsWith('NULL') && (
        <Autocomplete
          {...inPopover}
          label={s.value}
          description={hint(field, operator)}
          inputWrapperOrder={['label', 'input', 'description']}
          value={value}
          data={[...knownValues(field, values)]}
          onChange={setValue}
        />
      )}
      <div className={css['formFoot']}>
        <Button type="submit" disabled={!made}>
          {s.submit}
        </Button>
      </div>
    </form>
  );
}

/** A condition by choosing, for those who do not know the language yet. */
export function AddFilter(props: Props) {
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} width={280} trapFocus>
      <Popover.Target>
        <Button variant="subtle" color="gray" leftSection={<Icon name="filter" />} onClick={() => setOpened(!opened)}>
          {s.button}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={s.title}>
        <Form
          {...props}
          onAdd={(made) => {
            props.onAdd(made);
            setOpened(false);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}
