import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { devPage } from './build/dev-page.ts';
import { licenses } from './build/licenses.ts';

// The server whose API `npm run dev` uses.
const server = process.env['SKALD_URL'] ?? 'http://127.0.0.1:8233';

export default defineConfig({
  base: './', // any base path: the page's <base href> decides
  plugins: [react(), licenses(), devPage()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the policy allows no data: addresses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: 'hidden', // for `make coverage`; not packed into the binary
    chunkSizeWarningLimit: 1500,
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api/v1': {
        target: server,
        configure: (proxy) => {
          // The server refuses writes of other origins; the dev server's is one.
          proxy.on('proxyReq', (request) => {
            request.removeHeader('origin');
            request.removeHeader('sec-fetch-site');
            request.setHeader('host', new URL(server).host);
          });
        },
      },
    },
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}'],
    testTimeout: 120_000, // on a busy machine
    hookTimeout: 120_000,
    environment: 'node', // files that need a DOM say so in their first line
    coverage: { include: ['src/**/*.{ts,tsx}'], reporter: ['json'] },
  },
});
