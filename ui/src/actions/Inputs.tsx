import { ActionIcon, Button } from '@mantine/core';
import { Icon } from '@/design/icons';
import { JsonField } from '@/design/JsonField';
import { strings } from '@/strings';
import css from './actions.module.css';

const s = strings.actions;

interface Props {
  title: string;
  values: readonly string[];
  onChange: (values: string[]) => void;
  /** What is wrong with the argument at an index. */
  errorOf: (index: number) => string | undefined;
}

/** Arguments, each a JSON text. */
export function Inputs({ title, values, onChange, errorOf }: Props) {
  const set = (index: number, text: string) => onChange(values.map((v, i) => (i === index ? text : v)));
  return (
    <div className={css['inputs']} role="group" aria-label={title}>
      <div className={css['inputsHead']}>
        {title}
        <Button variant="subtle" leftSection={<Icon name="plus" size={12} />} onClick={() => onChange([...values, ''])}>
          {s.addInput}
        </Button>
      </div>
      {values.length === 0 && <span className="sk-dim">{s.noInput}</span>}
      {values.map((value, i) => (
        <div key={i} className={css['input']}>
          <JsonField
            hideLabel
            label={`${title}, ${s.inputN(i + 1)}`}
            value={value}
            onChange={(text) => set(i, text)}
            error={value === '' ? undefined : errorOf(i)}
          />
          <ActionIcon
            aria-label={strings.common.remove(s.inputN(i + 1))}
            onClick={() => onChange(values.filter((_v, j) => j !== i))}
          >
            <Icon name="close" size={12} />
          </ActionIcon>
        </div>
      ))}
    </div>
  );
}
