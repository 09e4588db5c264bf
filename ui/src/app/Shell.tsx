import { Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useParams } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { ActionHost } from '@/actions/ActionHost';
import { isCode } from '@/api/errors';
import { namespaceQuery } from '@/api/namespaces';
import { announcerId } from '@/design/announce';
import { Icon } from '@/design/icons';
import { EmptyState, Kbd } from '@/design/parts';
import { Toasts } from '@/design/toasts';
import { strings } from '@/strings';
import { AccountMenu } from './AccountMenu';
import { Connection } from './Connection';
import { config } from './config';
import { NamespaceSwitcher } from './NamespaceSwitcher';
import { Palette } from './Palette';
import { sections } from './sections';
import { changeSettings, useSettings } from './settings';
import css from './Shell.module.css';
import { ShortcutsDialog } from './ShortcutsDialog';
import { useShellShortcuts } from './useShellShortcuts';

const s = strings.shell;
const findKeys = 'Ctrl K';

/** The namespace of the address, or the one last looked at. */
export function useNamespace(): string {
  const { ns } = useParams({ strict: false });
  const { namespace } = useSettings();
  useEffect(() => {
    if (ns && ns !== namespace) changeSettings({ namespace: ns });
  }, [ns, namespace]);
  return ns ?? (namespace || config.defaultNamespace);
}

function Sections({ ns, className }: { ns: string; className: string | undefined }) {
  return (
    <nav aria-label={s.nav} className={className}>
      {sections.map(({ name, icon, to }) => (
        <Link key={to} to={to} params={{ ns }} search={{}} className={css['section']} activeProps={{ 'aria-current': 'page' }}>
          <span className={css['sectionIcon']}>
            <Icon name={icon} />
          </span>
          {name}
        </Link>
      ))}
    </nav>
  );
}

function Brand() {
  return (
    <Link to="/" className={css['brand']} aria-label={strings.common.product}>
      <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
        <rect width="16" height="16" rx="3.5" className={css['brandField']} />
        <path
          d="M11.2 4.2H6.6a1.9 1.9 0 0 0 0 3.8h2.8a1.9 1.9 0 0 1 0 3.8H4.8"
          className={css['brandMark']}
        />
      </svg>
    </Link>
  );
}

/** The page, unless its address names a namespace that is not there. */
function InNamespace({ children }: { children: ReactNode }) {
  const { ns } = useParams({ strict: false });
  const { error } = useQuery({ ...namespaceQuery(ns ?? ''), enabled: ns !== undefined });
  if (ns === undefined || !isCode(error, 'NOT_FOUND')) return children;
  return (
    <EmptyState title={s.noSuchNamespace(ns)} icon="search">
      <p>{s.noSuchNamespaceText}</p>
      <Link to="/namespaces">{s.allNamespaces}</Link>
    </EmptyState>
  );
}

/** The bar, what lies over every page, and the page. */
export function Shell() {
  const ns = useNamespace();
  const [palette, setPalette] = useState(false);
  const [shortcuts, setShortcuts] = useState(false);
  useShellShortcuts(ns, () => setPalette(true), () => setShortcuts(true));
  return (
    <div className={css['shell']}>
      <a href="#content" className={css['skip']} onClick={focusContent}>
        {s.skip}
      </a>
      <header className={css['bar']}>
        <Brand />
        <NamespaceSwitcher ns={ns} />
        <Sections ns={ns} className={css['sections']} />
        <div className={css['tools']}>
          {config.readOnly && (
            <Tooltip label={s.readOnlyHint}>
              <span className={css['readOnly']} tabIndex={0}>{s.readOnly}</span>
            </Tooltip>
          )}
          <Connection />
          <button type="button" className={css['find']} onClick={() => setPalette(true)} aria-label={`${s.find} ${findKeys}`}>
            <Icon name="search" />
            <span className={css['findText']}>{s.find}</span>
            <Kbd>{findKeys}</Kbd>
          </button>
          <AccountMenu onShortcuts={() => setShortcuts(true)} />
        </div>
      </header>
      <main id="content" className={css['content']} tabIndex={-1}>
        <InNamespace>
          <Outlet />
        </InNamespace>
      </main>
      <Sections ns={ns} className={css['tabs']} />
      <Palette ns={ns} opened={palette} onClose={() => setPalette(false)} />
      <ShortcutsDialog opened={shortcuts} onClose={() => setShortcuts(false)} />
      <ActionHost />
      <Toasts />
      <div id={announcerId} className="sk-hidden" aria-live="polite" />
    </div>
  );
}

/** The router would take the fragment for a page. */
function focusContent(event: { preventDefault: () => void }) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
