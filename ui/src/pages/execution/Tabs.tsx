import { NativeSelect } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { useShortcuts } from '@/app/shortcuts';
import { shortcutGroups } from '@/strings/shell';
import { executionStrings } from '@/strings/execution';
import { isOpen, useRun } from './run';
import css from './Tabs.module.css';

const s = executionStrings.tabs;
const base = '/namespaces/$ns/workflows/$workflowId/$runId';

const pages = [
  { page: 'timeline', name: s.timeline, to: `${base}/timeline` },
  { page: 'history', name: s.history, to: `${base}/history` },
  { page: 'input', name: s.input, to: `${base}/input` },
  { page: 'pending', name: s.pending, to: `${base}/pending` },
  { page: 'queries', name: s.queries, to: `${base}/queries` },
  { page: 'relations', name: s.relations, to: `${base}/relations` },
  { page: 'workers', name: s.workers, to: `${base}/workers` },
  { page: 'compare', name: s.compare, to: `${base}/compare` },
  { page: 'json', name: s.json, to: `${base}/json` },
] as const;

/** The pages of a run: one line of tabs, on a phone one choice. */
export function Tabs() {
  const { id, state } = useRun();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const narrow = useMediaQuery('(max-width: 720px)') ?? false;
  useShortcuts(
    pages.map((p, i) => ({
      keys: String(i + 1),
      does: p.name,
      group: shortcutGroups.run,
      run: () => {
        if (id) void navigate({ to: p.to, params: { ...id }, search: {} });
      },
    })),
  );
  if (!id) return null;
  const { describe } = state;
  // What a closed run left behind is not pending any more, though the server still names it.
  const open = isOpen(state) ? (describe?.pendingActivities?.length ?? 0) + (describe?.pendingChildren?.length ?? 0) : 0;
  const counts: Record<string, string> = {
    pending: open > 0 ? String(open) : '',
    history: state.total > 0 ? state.total.toLocaleString('en') : '',
  };
  const current = pages.find((p) => pathname.endsWith(`/${p.page}`))?.page ?? 'timeline';
  if (narrow) {
    return (
      <div className={css['choice']}>
        <NativeSelect
          aria-label={s.label}
          value={current}
          data={pages.map((p) => ({
            value: p.page,
            label: counts[p.page] ? `${p.name} (${counts[p.page]})` : p.name,
          }))}
          onChange={(event) => {
            const page = pages.find((p) => p.page === event.currentTarget.value);
            if (page) void navigate({ to: page.to, params: { ...id }, search: {} });
          }}
        />
      </div>
    );
  }
  return (
    <nav className={css['tabs']} aria-label={s.label}>
      {pages.map((p) => (
        <Link key={p.page} to={p.to} params={{ ...id }} search={{}} className={css['tab']} activeProps={{ 'aria-current': 'page' }}>
          {p.name}
          {counts[p.page] && <span className={css['count']}>{counts[p.page]}</span>}
        </Link>
      ))}
    </nav>
  );
}
