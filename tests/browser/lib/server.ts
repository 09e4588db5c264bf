/* A server of the test's own: free ports, a temporary folder, ended when its test file is. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Server as Listener } from 'node:net';
import { openSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const READY_MS = 120_000;
const STOP_MS = 60_000;

/** The program under test; run.py names it. */
export const skald = process.env['SKALD'] ?? '../../build/skald';

export interface ServerOptions {
  args?: string[]; // of `skald server start-dev`
  basePath?: string; // '/', or '/x/y/'
}

export class Server {
  readonly address: string; // gRPC
  readonly origin: string; // of the pages
  readonly base: string; // where the UI lives, with its slash
  private child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly ports: number[],
    private readonly options: ServerOptions
  ) {
    this.address = `127.0.0.1:${ports[0]}`;
    this.origin = `http://127.0.0.1:${ports[1]}`;
    this.base = this.origin + (options.basePath ?? '/');
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), 'skald-browser-'));
    for (let attempt = 1; ; attempt++) {
      const server = new Server(folder, await freePorts(2), options);
      try {
        await server.up();
        return server;
      } catch (error) {
        // Somebody else may have taken a port in between.
        if (attempt === 3) throw error;
      }
    }
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts it; after `down`, on what it kept. */
  async up(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(this.ports[0])];
    args.push('--ui-port', String(this.ports[1]), '--db-filename', join(this.folder, 'state.db'));
    if (this.options.basePath) args.push('--ui-base-path', this.options.basePath);
    const child = spawn(skald, [...args, ...(this.options.args ?? [])], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child = child;
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    await Promise.race([failed, this.ready(child)]);
  }

  private async ready(child: ChildProcess): Promise<void> {
    for (const end = Date.now() + READY_MS; Date.now() < end; await sleep(20)) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      if ((await listens(this.ports[0]!)) && (await listens(this.ports[1]!))) return;
    }
    child.kill('SIGKILL');
    throw new Error(`the server does not serve: ${await this.log()}`);
  }

  async down(how: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(how);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(late);
  }

  async stop(): Promise<void> {
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  private get logFile(): string {
    return join(this.folder, 'server.log');
  }

  async log(): Promise<string> {
    return (await readFile(this.logFile, 'utf8').catch(() => '')).slice(-2000);
  }

  /** One of the program's commands against this server. */
  async command(...args: string[]): Promise<string> {
    const run = promisify(execFile);
    const all = [...args, '--address', this.address];
    return (await run(skald, all, { maxBuffer: 1 << 24 })).stdout;
  }

  /** The sum of a metric's series whose labels hold `labels`. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const text = await (await fetch(`${this.origin}/metrics`)).text();
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Below the ports that the kernel gives to clients: one that tries again while the server is away could get its port. */
async function freePorts(count: number): Promise<number[]> {
  const open: Listener[] = [];
  while (open.length < count) {
    const listener = createServer();
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const taken = await new Promise<boolean>((resolve) => {
      listener.once('error', () => resolve(true));
      listener.listen(port, '127.0.0.1', () => resolve(false));
    });
    if (!taken) open.push(listener);
  }
  const ports = open.map((listener) => (listener.address() as { port: number }).port);
  await Promise.all(open.map((l) => new Promise((resolve) => l.close(resolve))));
  return ports;
}
