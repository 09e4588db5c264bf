/**
 * The OpenAPI document as the API page shows it: operations by subject, the fields of a message one level
 * at a time (messages contain themselves), a body to fill in, and the same call for a shell.
 */

import { shellQuote } from './cli';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly contentEncoding?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly schema?: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface RawOperation {
  readonly operationId: string;
  readonly description?: string;
  readonly 'x-skald'?: boolean;
  readonly 'x-unimplemented'?: boolean;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses?: Readonly<Record<string, Content>>;
}

export interface OpenApi {
  readonly info: { readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** In the order in which they are shown. */
export const groups = [
  'workflows',
  'activities',
  'taskQueues',
  'workers',
  'schedules',
  'batch',
  'namespaces',
  'searchAttributes',
  'cluster',
  'rules',
  'nexus',
  'skald',
] as const;

export type Group = (typeof groups)[number];

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly group: Group;
  readonly description: string;
  /** Not a route of Temporal's. */
  readonly own: boolean;
  readonly built: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  readonly answer: Schema | undefined;
  /** Answers a message a line, for as long as the caller reads. */
  readonly streams: boolean;
}

// The first that fits: a path names what it is about last.
const subjects: readonly (readonly [Group, RegExp])[] = [
  ['skald', /^\/api\/v1\/skald\//],
  ['nexus', /nexus/i],
  ['activities', /activit/i],
  ['schedules', /schedule/i],
  ['batch', /batch/i],
  ['workers', /worker|deployment/i],
  ['taskQueues', /task-?queue/i],
  ['rules', /rule/i],
  ['searchAttributes', /search-?attributes/i],
  ['workflows', /workflow|ExecuteMulti/i],
  ['cluster', /cluster|system-info/i],
];

export function groupOf(path: string): Group {
  return subjects.find(([, about]) => about.test(path))?.[0] ?? 'namespaces';
}

function contentOf(part: Content | undefined): [type: string, schema: Schema | undefined] {
  const [type, content] = Object.entries(part?.content ?? {})[0] ?? ['', undefined];
  return [type, content?.schema];
}

export function operationsOf(doc: OpenApi): Operation[] {
  const all: Operation[] = [];
  for (const [path, methods] of Object.entries(doc.paths))
    for (const [method, raw] of Object.entries(methods)) {
      const [type, answer] = contentOf(raw.responses?.['200']);
      all.push({
        id: raw.operationId,
        method: method.toUpperCase(),
        path,
        group: groupOf(path),
        description: (raw.description ?? '').replace(/\s+/g, ' ').trim(),
        own: raw['x-skald'] === true,
        built: raw['x-unimplemented'] !== true,
        parameters: raw.parameters ?? [],
        body: contentOf(raw.requestBody)[1],
        answer,
        streams: type.includes('ndjson'),
      });
    }
  return all.sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || a.id.localeCompare(b.id));
}

/** Those that have every word somewhere. */
export function searched(operations: readonly Operation[], text: string): Operation[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return operations.filter((o) => {
    const all = `${o.method} ${o.id} ${o.path} ${o.description}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

const refName = (ref: string) => ref.slice(ref.lastIndexOf('/') + 1);

export function resolve(doc: OpenApi, schema: Schema): Schema {
  let now = schema;
  for (let hops = 0; now.$ref && hops < 10; hops++) now = doc.components.schemas[refName(now.$ref)] ?? {};
  return now;
}

export type TypeWord =
  | 'text'
  | 'bytes'
  | 'time'
  | 'duration'
  | 'bool'
  | 'integer'
  | 'integer64'
  | 'number'
  | 'enum'
  | 'message'
  | 'any';

export interface Type {
  readonly word: TypeWord;
  /** The message's or the enum's, without its package. */
  readonly name?: string;
  readonly many?: 'list' | 'map';
}

function scalarOf(s: Schema): TypeWord {
  if (s.enum) return 'enum';
  if (s.properties || s.anyOf || s.type === 'object') return 'message';
  if (s.contentEncoding) return 'bytes';
  if (s.format === 'date-time') return 'time';
  if (s.pattern?.endsWith('s$')) return 'duration';
  if (s.type === 'boolean') return 'bool';
  if (s.type === 'integer') return 'integer';
  if (s.type === 'string') return s.format?.includes('int') ? 'integer64' : 'text';
  return s.type === 'number' || Array.isArray(s.type) ? 'number' : 'any';
}

export function typeOf(doc: OpenApi, schema: Schema): Type {
  if (schema.items) return { ...typeOf(doc, schema.items), many: 'list' };
  if (typeof schema.additionalProperties === 'object' && !schema.properties)
    return { ...typeOf(doc, schema.additionalProperties), many: 'map' };
  const word = scalarOf(resolve(doc, schema));
  const named = schema.$ref && (word === 'enum' || word === 'message');
  return named ? { word, name: refName(schema.$ref).replace(/^.*\./, '') } : { word };
}

/** What a value consists of: that of a list or map is what its members consist of. */
function inner(doc: OpenApi, schema: Schema): Schema {
  const s = resolve(doc, schema);
  if (s.items) return inner(doc, s.items);
  if (typeof s.additionalProperties === 'object' && !s.properties) return inner(doc, s.additionalProperties);
  const object = s.anyOf?.find((one) => one.properties) ?? s.anyOf?.find((one) => one.items);
  return object ? inner(doc, object) : s;
}

export function fieldsOf(doc: OpenApi, schema: Schema): [name: string, schema: Schema][] {
  return Object.entries(inner(doc, schema).properties ?? {});
}

export function enumOf(doc: OpenApi, schema: Schema): readonly string[] {
  return inner(doc, schema).enum ?? [];
}

/** As a value is sent when it says nothing; undefined where every value says something. */
function blank(doc: OpenApi, schema: Schema, depth: number): unknown {
  const { word, many, name } = typeOf(doc, schema);
  if (many === 'list' || name === 'Payloads') return [];
  if (many === 'map') return {};
  if (word === 'message') {
    const [first] = fieldsOf(doc, schema);
    const value = first && depth < 2 ? blank(doc, first[1], depth + 1) : undefined;
    return first && value !== undefined ? { [first[0]]: value } : {};
  }
  const values: Partial<Record<TypeWord, unknown>> = {
    text: '',
    bytes: '',
    duration: '0s',
    bool: false,
    integer: 0,
    number: 0,
    integer64: '0',
    enum: enumOf(doc, schema)[0],
  };
  return values[word];
}

const skeletonFields = 6;

/** A body to be filled in: the first fields that the path does not say, set to what changes nothing. */
export function skeleton(doc: OpenApi, operation: Operation): string {
  if (!operation.body) return '';
  const said = new Set(operation.parameters.map((p) => p.name));
  const fields = fieldsOf(doc, operation.body).flatMap(([name, schema]): [string, unknown][] => {
    const value = said.has(name) ? undefined : blank(doc, schema, 0);
    return value === undefined ? [] : [[name, value]];
  });
  return JSON.stringify(Object.fromEntries(fields.slice(0, skeletonFields)), null, 2);
}

export type Values = Readonly<Record<string, string>>;

/** The address of a call; what the path still lacks stands in braces. */
export function addressOf(base: string, operation: Operation, values: Values): string {
  const path = operation.path.replace(/\{([^}]+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value ? encodeURIComponent(value) : whole;
  });
  const query = new URLSearchParams();
  for (const { name, in: where } of operation.parameters)
    if (where === 'query' && values[name]) query.set(name, values[name]);
  const text = query.toString();
  return `${base.replace(/\/$/, '')}${path}${text ? `?${text}` : ''}`;
}

/** The names of the path's parts that have no value. */
export function lacking(operation: Operation, values: Values): string[] {
  return operation.parameters.filter((p) => p.in === 'path' && !values[p.name]).map((p) => p.name);
}

export function curlOf(operation: Operation, address: string, body: string): string {
  const words = [`curl -s${operation.streams ? 'N' : ''} ${shellQuote(address)}`];
  const implied = operation.body ? 'POST' : 'GET';
  if (operation.method !== implied) words.push(`-X ${operation.method}`);
  if (operation.body) words.push("-H 'Content-Type: application/json'", `-d ${shellQuote(body)}`);
  return words.join(' \\\n  ');
}
