/**
 * The command line that does what a dialog or a page does, with the `temporal` command's own words, to be
 * copied into a shell, a script or a runbook.
 */

/** One word of a POSIX shell's command line, quoted where it must be. */
export function shellQuote(word: string): string {
  if (word !== '' && /^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A flag's value: text, a number, true for a bare flag, several for a repeated one; else left out. */
export type FlagValue = string | number | boolean | readonly string[] | undefined;

export type Flags = Readonly<Record<string, FlagValue>>;

export interface CliTarget {
  readonly namespace: string;
  /** Where the gRPC API listens; the command's own default is left out. */
  readonly address?: string | undefined;
  /** Who does it, where the API records that. */
  readonly identity?: string | undefined;
}

export interface CliExecution extends CliTarget {
  readonly workflowId: string;
  readonly runId?: string | undefined;
}

/** What fits a dialog. */
const lineMax = 64;

const defaultAddresses = new Set(['127.0.0.1:7233', 'localhost:7233']);

function flagWords(flags: Flags): string[] {
  const words: string[] = [];
  for (const [name, value] of Object.entries(flags)) {
    const flag = `--${name}`;
    if (value === undefined || value === false || value === '') continue;
    if (value === true) words.push(flag);
    else if (typeof value === 'object') {
      for (const one of value) words.push(`${flag} ${shellQuote(one)}`);
    } else words.push(`${flag} ${shellQuote(String(value))}`);
  }
  return words;
}

/** `temporal <verb…> --flag value …`; over lines where one would be long. */
export function command(verb: string, target: CliTarget, flags: Flags): string {
  const shown = { ...flags };
  const common: Record<string, FlagValue> = target.namespace ? { namespace: target.namespace } : {};
  if (target.address && !defaultAddresses.has(target.address)) common['address'] = target.address;
  if (target.identity) common['identity'] = target.identity;
  const words = flagWords({ ...shown, ...common });
  const line = [`temporal ${verb}`, ...words].join(' ');
  return line.length <= lineMax ? line : [`temporal ${verb}`, ...words].join(' \\\n    ');
}

/** The same without a namespace: for what is about namespaces. */
function serverCommand(verb: string, address: string | undefined, flags: Flags): string {
  return command(verb, { namespace: '', address }, flags);
}

function execution(e: CliExecution): Flags {
  return { 'workflow-id': e.workflowId, 'run-id': e.runId };
}

export const cli = {
  describe: (e: CliExecution) => command('workflow describe', e, execution(e)),
  show: (e: CliExecution) => command('workflow show', e, execution(e)),
  /** The history in the form that replayers read. */
  download: (e: CliExecution) => command('workflow show', e, { ...execution(e), output: 'json' }),
  result: (e: CliExecution) => command('workflow result', e, execution(e)),
  stack: (e: CliExecution) => command('workflow stack', e, execution(e)),
  trace: (e: CliExecution) => command('workflow trace', e, execution(e)),
  query: (e: CliExecution, type: string, inputs: readonly string[] = []) =>
    command('workflow query', e, { ...execution(e), type, input: inputs }),
  signal: (e: CliExecution, name: string, inputs: readonly string[] = []) =>
    command('workflow signal', e, { ...execution(e), name, input: inputs }),
  cancel: (e: CliExecution, reason?: string) =>
    command('workflow cancel', e, { ...execution(e), reason }),
  terminate: (e: CliExecution, reason?: string) =>
    command('workflow terminate', e, { ...execution(e), reason }),
  delete: (e: CliExecution) => command('workflow delete', e, execution(e)),
  list: (t: CliTarget, query: string, limit?: number) =>
    command('workflow list', t, { query, limit }),
  count: (t: CliTarget, query: string) => command('workflow count', t, { query }),
  taskQueue: (t: CliTarget, name: string) =>
    command('task-queue describe', t, { 'task-queue': name }),
  finishActivity: (verb: 'complete' | 'fail', e: CliExecution, activityId: string, flags: Flags) =>
    command(`activity ${verb}`, e, { ...execution(e), 'activity-id': activityId, ...flags }),
  activity: (verb: 'pause' | 'unpause' | 'reset', e: CliExecution, activityId: string, flags: Flags = {}) =>
    command(`activity ${verb}`, e, { ...execution(e), 'activity-id': activityId, ...flags }),
  createNamespace: (address: string, name: string, flags: Flags) =>
    serverCommand('operator namespace create', address, { namespace: name, ...flags }),
  updateNamespace: (address: string, name: string, flags: Flags) =>
    serverCommand('operator namespace update', address, { namespace: name, ...flags }),
  deleteNamespace: (address: string, name: string) =>
    serverCommand('operator namespace delete', address, { namespace: name }),
  addSearchAttribute: (t: CliTarget, name: string, type: string) =>
    command('operator search-attribute create', t, { name, type }),
  removeSearchAttribute: (t: CliTarget, name: string) => command('operator search-attribute remove', t, { name }),
};
