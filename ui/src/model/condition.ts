import type { Field, FieldType } from './completion';
import { columnText, quote } from './query';

/** One condition from a form's three fields, or why it is none. */

const durations: Record<string, number> = { ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 };

/** `1h30m` in seconds. */
export function durationSeconds(text: string): number | undefined {
  const parts = [...text.replaceAll(/\s/g, '').matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map((p) => p[0]).join('') !== text.replaceAll(/\s/g, '')) return undefined;
  return parts.reduce((sum, p) => sum + Number(p[1]) * (durations[p[2] ?? 's'] ?? 1), 0);
}

/** A value as the language writes it for a type; undefined where it is none. */
export function literal(type: FieldType, text: string): string | undefined {
  const value = text.trim();
  if (value === '') return undefined;
  switch (type) {
    case 'Int':
      return /^[+-]?\d+$/.test(value) ? value : undefined;
    case 'Double':
      return Number.isFinite(Number(value)) ? value : undefined;
    case 'Bool':
      return /^(true|false)$/i.test(value) ? value.toLowerCase() : undefined;
    case 'Datetime': {
      const ms = Date.parse(value);
      return Number.isNaN(ms) ? undefined : quote(new Date(ms).toISOString().replace('.000', ''));
    }
    case 'Duration': {
      const seconds = durationSeconds(value);
      return seconds === undefined ? undefined : quote(`${seconds}s`);
    }
    default:
      return quote(value);
  }
}

export function condition(field: Field, operator: string, text: string): string | undefined {
  const name = columnText(field.name);
  if (operator.endsWith('NULL')) return `${name} ${operator}`;
  const several = operator.endsWith('IN') || operator === 'BETWEEN';
  const values = (several ? text.split(',') : [text]).map((value) => literal(field.type, value));
  if (values.some((value) => value === undefined)) return undefined;
  if (operator === 'BETWEEN')
    return values.length === 2 ? `${name} BETWEEN ${values[0]} AND ${values[1]}` : undefined;
  if (operator.endsWith('IN')) return `${name} ${operator} (${values.join(', ')})`;
  return `${name} ${operator} ${values[0]}`;
}
