import type { Plugin } from 'vite';

/**
 * In `npm run dev`, what the server puts into index.html: see src/app/config.ts. A build leaves the
 * placeholders, which the server fills at each answer.
 */
export function devPage(): Plugin {
  const config = {
    version: 'dev',
    uiVersion: 'dev',
    readOnly: process.env['SKALD_READ_ONLY'] === '1',
    base: '/',
    defaultNamespace: 'default',
    grpcAddress: '127.0.0.1:7233',
  };
  return {
    name: 'skald-dev-page',
    apply: 'serve',
    transformIndexHtml: {
      order: 'pre',
      handler: (html) =>
        html
          .replace('__SKALD_NONCE__', 'dev')
          .replace('__SKALD_BASE__', '/')
          .replace('__SKALD_CONFIG__', JSON.stringify(config)),
    },
  };
}
