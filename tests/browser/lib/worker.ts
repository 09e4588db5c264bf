/* A real worker of Temporal's TypeScript SDK, and its client. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client, type ClientOptions, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import * as activities from '../activities.ts';
import { sleep } from './server.ts';

export const QUEUE = 'shop';
const PATIENCE_MS = 60_000;
const logger = new DefaultLogger('ERROR', () => undefined);
const quiet = { logging: { filter: 'ERROR', forward: {} } };
let installed = false;

/** The workflows' code, bundled: by run.py's first step for all files, else here. */
export async function workflowBundle(failureConverterPath?: string): Promise<{ code: string }> {
  const made = process.env['BROWSER_BUNDLE'];
  if (!failureConverterPath && made && existsSync(made)) return { code: readFileSync(made, 'utf8') };
  const workflowsPath = fileURLToPath(new URL('../workflows.ts', import.meta.url));
  const converter = failureConverterPath ? { failureConverterPath } : {};
  return await bundleWorkflowCode({ workflowsPath, logger, ...converter });
}

export class WorkerProcess {
  private constructor(
    private readonly worker: Worker,
    private readonly connection: NativeConnection,
    private readonly run: Promise<void>
  ) {}

  static async start(address: string, extra: Partial<WorkerOptions> = {}) {
    const taskQueue = extra.taskQueue ?? QUEUE;
    if (!installed) Runtime.install({ logger, shutdownSignals: [], telemetryOptions: quiet });
    installed = true;
    const connection = await NativeConnection.connect({ address });
    const worker = await Worker.create({
      connection,
      namespace: 'default',
      taskQueue,
      identity: `worker@${taskQueue}`,
      workflowBundle: extra.workflowBundle ?? (await workflowBundle()),
      activities,
      shutdownGraceTime: '1 second',
      shutdownForceTime: '5 seconds',
      maxHeartbeatThrottleInterval: '200 milliseconds',
      defaultHeartbeatThrottleInterval: '200 milliseconds',
      ...extra,
    });
    return new WorkerProcess(worker, connection, worker.run());
  }

  async stop(): Promise<void> {
    this.worker.shutdown();
    await this.run.catch(() => undefined); // a server that is gone already
    await this.connection.close();
  }
}

export async function connectClient(address: string, extra: ClientOptions = {}): Promise<Client> {
  return new Client({ connection: await Connection.connect({ address }), namespace: 'default', ...extra });
}

/** Asks until the answer is as wanted. */
export async function eventually<T>(
  what: () => Promise<T>,
  holds: (value: T) => boolean = Boolean
): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(50)) {
    const value = await what();
    if (holds(value)) return value;
    if (Date.now() > end)
      throw new Error(`after ${PATIENCE_MS / 1000} s still ${JSON.stringify(value)?.slice(0, 500)}`);
  }
}
