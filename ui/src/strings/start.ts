/** What an empty namespace says. */
export const start = {
  title: 'Nothing runs here yet',
  intro: 'Point any Temporal SDK at this server; nothing else changes.',
  address: 'Address',
  namespace: 'Namespace',
  worker: 'A worker, with the SDK of your language',
  languages: { typescript: 'TypeScript', go: 'Go', python: 'Python' },
  demo: 'Or watch a small shop without writing anything',
  waiting: 'Waiting for a worker…',
  waitingHint: 'Stands here until one polls this namespace.',
  here: (n: number) => (n === 1 ? 'A worker is here' : `${n} workers are here`),
  hereHint: 'Start a workflow on its task queue:',
  copy: 'Code',
  begin: 'How to start a worker',
} as const;
