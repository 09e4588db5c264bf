/** The parts of an OpenAPI 3.1 document that the API page shows. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  enum?: string[];
  contentEncoding?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  examples?: unknown[];
}

interface Media {
  content?: Record<string, { schema?: Schema }>;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

interface RawOperation {
  operationId?: string;
  tags?: string[];
  description?: string;
  parameters?: Parameter[];
  requestBody?: Media;
  responses?: Record<string, Media>;
  'x-unimplemented'?: boolean;
  'x-grpc-method'?: string;
}

export interface OpenApi {
  info?: { title?: string; version?: string; description?: string };
  paths?: Record<string, Record<string, RawOperation>>;
  components?: { schemas?: Record<string, Schema> };
}

export interface Operation {
  key: string;
  name: string;
  verb: string;
  path: string;
  tag: string;
  description: string;
  built: boolean;
  grpc: string;
  parameters: readonly Parameter[];
  request: Schema | undefined;
  response: Schema | undefined;
}

const schemaOf = (media: Media | undefined) => Object.values(media?.content ?? {})[0]?.schema;

/** Sentences of a .proto comment, its line breaks gone. */
function flowing(text: string | undefined): string {
  return (text ?? '').replaceAll(/\s*\n\s*/g, ' ').trim();
}

/** All operations, by service and name; those that this server has come first. */
export function operations(document: OpenApi): Operation[] {
  const found = Object.entries(document.paths ?? {}).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(
      ([verb, o]): Operation => ({
        key: `${verb} ${path}`,
        name: o['x-grpc-method']?.split('/').at(-1) ?? o.operationId ?? path,
        verb: verb.toUpperCase(),
        path,
        tag: o.tags?.[0] ?? '',
        description: flowing(o.description),
        built: o['x-unimplemented'] !== true,
        grpc: o['x-grpc-method'] ?? '',
        parameters: o.parameters ?? [],
        request: schemaOf(o.requestBody),
        response: schemaOf(o.responses?.['200']),
      }),
    ),
  );
  return found.sort((a, b) => a.tag.localeCompare(b.tag) || Number(b.built) - Number(a.built) || a.name.localeCompare(b.name));
}

export function resolve(document: OpenApi, schema: Schema): Schema {
  const name = schema.$ref?.replace('#/components/schemas/', '');
  return name === undefined ? schema : (document.components?.schemas?.[name] ?? {});
}

/** A schema's type in a word or two. */
export function typeWords(schema: Schema): string {
  if (schema.$ref) return schema.$ref.split('.').at(-1) ?? '';
  if (schema.items) return `[${typeWords(schema.items)}]`;
  if (typeof schema.additionalProperties === 'object') return `{${typeWords(schema.additionalProperties)}}`;
  if (schema.contentEncoding) return schema.contentEncoding;
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return [type ?? 'any', schema.format].filter(Boolean).join(' ');
}

/** The schema of a value's members: its own, its items' or its values'. */
export function inner(document: OpenApi, schema: Schema): Schema {
  if (schema.items) return inner(document, schema.items);
  if (typeof schema.additionalProperties === 'object') return inner(document, schema.additionalProperties);
  return resolve(document, schema);
}

export function matches(operation: Operation, wanted: string): boolean {
  const text = wanted.trim().toLowerCase();
  return `${operation.name} ${operation.path} ${operation.description}`.toLowerCase().includes(text);
}

/** What to type in a shell to call it; values to fill in are in capitals. */
export function curl(operation: Operation, origin: string, base: string): string {
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_all, name: string) => name.replace(/.*\./, '').toUpperCase());
  const address = `${origin}${base.replace(/\/$/, '')}${path}`;
  if (operation.verb === 'GET') return `curl '${address}'`;
  const body = operation.request ? ` \\\n    -H 'Content-Type: application/json' -d '{}'` : '';
  return `curl -X ${operation.verb} '${address}'${body}`;
}
