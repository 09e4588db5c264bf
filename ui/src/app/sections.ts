import type { IconName } from '@/design/icons';
import { strings } from '@/strings';

/** The entries of the bar: only pages that exist. `key` is the second key after `g`. */
export interface Section {
  name: string;
  icon: IconName;
  to: `/namespaces/$ns/${'home' | 'workflows' | 'task-queues' | 'workers' | 'settings'}`;
  key: string;
}

export const sections: readonly Section[] = [
  { name: strings.shell.home, icon: 'home', to: '/namespaces/$ns/home', key: 'h' },
  { name: strings.shell.workflows, icon: 'workflows', to: '/namespaces/$ns/workflows', key: 'w' },
  { name: strings.shell.taskQueues, icon: 'queues', to: '/namespaces/$ns/task-queues', key: 'q' },
  { name: strings.shell.workers, icon: 'workers', to: '/namespaces/$ns/workers', key: 'p' },
  { name: strings.shell.settings, icon: 'settings', to: '/namespaces/$ns/settings', key: 's' },
];

/** Pages of no namespace, reached by the palette and by links. */
export const furtherPages: readonly { name: string; icon: IconName; to: '/namespaces' | '/api' | '/import' }[] = [
  { name: strings.shell.namespaces, icon: 'settings', to: '/namespaces' },
  { name: strings.api.title, icon: 'terminal', to: '/api' },
  { name: strings.shell.importHistory, icon: 'external', to: '/import' },
];
