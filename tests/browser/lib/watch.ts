/*
 * What no page may do, watched in every test: errors on the console, uncaught exceptions, violations
 * of the content policy, requests to another origin. A test that provokes one says so (`allow`).
 */
import type { BrowserContext, Page, Request } from 'playwright-core';

const VIOLATION = 'content policy violated';

export class Watch {
  private readonly problems: string[] = [];
  readonly bytes = new Map<string, number>(); // by path, as transferred

  constructor(
    private readonly origin: string,
    private readonly allow: RegExp[]
  ) {}

  async context(context: BrowserContext): Promise<void> {
    await context.addInitScript('globalThis.__name ??= (it) => it'); // tsx puts it into what evaluate runs
    await context.addInitScript((text) => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`${text}: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    }, VIOLATION);
    context.on('request', (request) => this.request(request));
    context.on('page', (page) => this.page(page));
  }

  private page(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error')
        this.add(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.add(`uncaught: ${error.stack ?? error.message}`));
    page.on('requestfinished', (request) => void this.finished(request));
  }

  private request(request: Request): void {
    const url = new URL(request.url());
    if (url.origin !== this.origin && !['data:', 'blob:', 'about:'].includes(url.protocol))
      this.add(`request to another origin: ${request.url()}`);
  }

  private async finished(request: Request): Promise<void> {
    const sizes = await request.sizes().catch(() => undefined);
    if (!sizes) return; // its page was closed
    const path = new URL(request.url()).pathname;
    const all = sizes.responseBodySize + sizes.responseHeadersSize;
    this.bytes.set(path, (this.bytes.get(path) ?? 0) + all);
  }

  private add(problem: string): void {
    if (!this.allow.some((allowed) => allowed.test(problem))) this.problems.push(problem);
  }

  /** Fails if anything happened. */
  check(): void {
    if (this.problems.length === 0) return;
    const [first, ...rest] = new Set(this.problems);
    throw new Error(rest.length ? `${first} (and ${rest.length} more: ${rest.join('; ')})` : first);
  }
}
