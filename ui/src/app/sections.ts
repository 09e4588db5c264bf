import type { IconName } from '@/design/icons';
import { strings } from '@/strings';

/** The entries of the bar: only pages that exist. `key` is the second key after `g`. */
export interface Section {
  name: string;
  icon: IconName;
  to: '/namespaces/$ns/workflows' | '/namespaces/$ns/settings';
  key: string;
}

export const sections: readonly Section[] = [
  { name: strings.shell.workflows, icon: 'workflows', to: '/namespaces/$ns/workflows', key: 'w' },
  { name: strings.shell.settings, icon: 'settings', to: '/namespaces/$ns/settings', key: 's' },
];
