/*
 * The stage of a test file: one server, one worker if wanted, one Chromium; each test gets a browser
 * context of its own and fails on what watch.ts forbids, whatever it asserts itself.
 *
 * The numbers in brackets at the end of a test's name, "cancel [13]", are the rows of the table of
 * operational actions in docs/ui.md that the test proves.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Client, ClientOptions } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { Server, type ServerOptions } from './server.ts';
import { Watch } from './watch.ts';
import { connectClient, WorkerProcess } from './worker.ts';

const FILE = basename(process.argv[1] ?? '', '.test.ts');
const TEST_MS = 300_000;
const PATIENCE_MS = 60_000; // of one step in the browser
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const failures = process.env['BROWSER_FAILURES']; // a folder for pictures of failed tests
const coverage = process.env['BROWSER_COVERAGE']; // a folder for V8's coverage
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export interface StageOptions {
  server?: ServerOptions;
  worker?: boolean | (() => Promise<Partial<WorkerOptions>>); // of QUEUE in namespace default
  client?: ClientOptions;
  demo?: number; // orders of `skald demo`, placed and worked on before the tests
  fill?: (stage: Stage) => Promise<void>; // what else has to be there
}

export interface VisitOptions {
  allow?: RegExp[]; // problems that the test provokes
  mobile?: boolean; // 390 pixels wide
  colorScheme?: 'light' | 'dark';
  initScript?: () => void; // runs in each page before anything else
  timeout?: number;
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  watch: Watch;
}

type Body = (visit: Visit) => Promise<void>;

export const launch = () => chromium.launch({ executablePath, args: FLAGS });

export class Stage {
  server!: Server;
  client!: Client;
  browser!: Browser;
  worker: WorkerProcess | undefined;
  private number = 0;

  constructor(readonly options: StageOptions) {
    before(() => this.up(), { timeout: TEST_MS });
    after(() => this.down(), { timeout: TEST_MS });
  }

  private async up(): Promise<void> {
    [this.server, this.browser] = await Promise.all([
      Server.start(this.options.server),
      launch(),
    ]);
    const { worker } = this.options;
    this.client = await connectClient(this.server.address, this.options.client);
    const extra = typeof worker === 'function' ? await worker() : {};
    if (worker) this.worker = await WorkerProcess.start(this.server.address, extra);
    if (this.options.demo)
      await this.server.command('demo', '--orders', String(this.options.demo), '--color', 'never');
    await this.options.fill?.(this);
  }

  private async down(): Promise<void> {
    await this.browser?.close();
    await this.worker?.stop();
    await this.client?.connection.close();
    await this.server?.stop();
  }

  /** The address of a page of the UI: its path below the base path. */
  url(path: string): string {
    return this.server.base + path.replace(/^\//, '');
  }

  async context(options: VisitOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      viewport: options.mobile ? { width: 390, height: 844 } : { width: 1280, height: 860 },
      colorScheme: options.colorScheme ?? 'light',
      reducedMotion: 'reduce',
      acceptDownloads: true,
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    context.setDefaultTimeout(PATIENCE_MS);
    if (options.initScript) await context.addInitScript(options.initScript);
    return context;
  }

  /** A browser as a visitor has it, watched; `body` gets its first page. */
  async visit(options: VisitOptions, body: Body, name = 'visit') {
    const context = await this.context(options);
    const watch = new Watch(this.server.origin, options.allow ?? []);
    await watch.context(context);
    const page = await context.newPage();
    if (coverage) await page.coverage.startJSCoverage({ resetOnNavigation: false });
    try {
      await body({ page, context, watch });
      await settled(page);
      watch.check();
    } catch (error) {
      if (failures) await this.picture(page, name);
      throw error;
    } finally {
      if (coverage) await this.keepCoverage(page);
      await context.close();
    }
  }

  private async picture(page: Page, name: string): Promise<void> {
    mkdirSync(failures!, { recursive: true });
    const path = join(failures!, `${name.replace(/[^a-z0-9]+/gi, '-')}.png`);
    await page.screenshot({ path }).catch(() => undefined);
  }

  private async keepCoverage(page: Page): Promise<void> {
    const entries = (await page.coverage.stopJSCoverage().catch(() => [])).filter((entry) =>
      entry.url.includes('/assets/')
    );
    const file = `${process.pid}-${this.number++}.json`;
    mkdirSync(coverage!, { recursive: true });
    const slim = entries.map(({ url, functions }) => ({ url, functions }));
    writeFileSync(join(coverage!, file), JSON.stringify(slim));
  }

  test(name: string, ...rest: [Body] | [VisitOptions, Body]): void {
    const body = rest.pop() as Body;
    const options = (rest[0] ?? {}) as VisitOptions;
    const full = `${FILE}: ${name}`;
    test(full, { timeout: options.timeout ?? TEST_MS }, () => this.visit(options, body, full));
  }
}

/** Lets the page do what it has begun, so that its errors are seen. */
async function settled(page: Page): Promise<void> {
  const turn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  await page.evaluate(turn).catch(() => undefined); // closed by its test
}

/** To be called once, at the top of a test file. */
export function stage(options: StageOptions = {}): Stage {
  return new Stage(options);
}
