import { useNavigate } from '@tanstack/react-router';
import { strings } from '@/strings';
import { shortcutGroups } from '@/strings/shell';
import { sections } from './sections';
import { useShortcuts } from './shortcuts';

/** What works on every page. */
export function useShellShortcuts(ns: string, openPalette: () => void, openHelp: () => void) {
  const navigate = useNavigate();
  const group = shortcutGroups.anywhere;
  useShortcuts([
    { keys: 'mod+k', does: strings.shell.palette.title, group, run: openPalette },
    { keys: '?', does: strings.shell.shortcuts, group, run: openHelp },
    ...sections.map(({ key, name, to }) => ({
      keys: `g ${key}`,
      does: name,
      group,
      run: () => void navigate({ to, params: { ns }, search: {} }),
    })),
  ]);
}
