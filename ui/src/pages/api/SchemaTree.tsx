import { useState } from 'react';
import { Icon } from '@/design/icons';
import { enumOf, fieldsOf, type OpenApi, type Schema, type Type, typeOf } from '@/model/openapi';
import { strings } from '@/strings';
import css from './SchemaTree.module.css';

const s = strings.api;

function typeWords({ word, name, many }: Type): string {
  const one = name ? (word === 'enum' ? `${s.types.enum} ${name}` : name) : s.types[word];
  return many === 'list' ? s.listOf(one) : many === 'map' ? s.mapOf(one) : one;
}

interface TreeProps {
  doc: OpenApi;
  schema: Schema;
  /** Fields that stand elsewhere: those of the path. */
  without?: readonly string[];
}

function Values({ values }: { values: readonly string[] }) {
  return (
    <ul className={css['values']}>
      {values.map((value) => (
        <li key={value} className="sk-mono">
          {value}
        </li>
      ))}
    </ul>
  );
}

function FieldRow({ doc, name, schema }: { doc: OpenApi; name: string; schema: Schema }) {
  const [open, setOpen] = useState(false);
  const values = enumOf(doc, schema);
  const deeper = values.length > 0 || fieldsOf(doc, schema).length > 0;
  const words = (
    <>
      <span className={css['mark']}>{deeper && <Icon name={open ? 'down' : 'right'} size={12} />}</span>
      <span className="sk-mono">{name}</span>
      <span className={css['type']}>{typeWords(typeOf(doc, schema))}</span>
    </>
  );
  return (
    <li>
      {deeper ? (
        <button type="button" className={css['row']} aria-expanded={open} onClick={() => setOpen(!open)}>
          {words}
        </button>
      ) : (
        <div className={css['row']}>{words}</div>
      )}
      {open && (values.length > 0 ? <Values values={values} /> : <SchemaTree doc={doc} schema={schema} />)}
    </li>
  );
}

/** The fields of a message; those of its parts unfold, since messages may contain themselves. */
export function SchemaTree({ doc, schema, without = [] }: TreeProps) {
  const fields = fieldsOf(doc, schema).filter(([name]) => !without.includes(name));
  if (fields.length === 0) return <p className="sk-dim">{s.noFields}</p>;
  return (
    <ul className={css['tree']}>
      {fields.map(([name, field]) => (
        <FieldRow key={name} doc={doc} name={name} schema={field} />
      ))}
    </ul>
  );
}
