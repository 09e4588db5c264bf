import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ApiError, codeName } from '@/api/errors';
import { strings } from '@/strings';
import { CopyButton } from './CopyButton';
import { Icon, type IconName } from './icons';
import css from './parts.module.css';

/** A key as it stands on the keyboard. */
export function Kbd({ children }: { children: ReactNode }) {
  return <kbd className={css['kbd']}>{children}</kbd>;
}

/** Where there is nothing: why, and what to do about it. */
export function EmptyState(props: { title: string; icon?: IconName; children?: ReactNode }) {
  return (
    <div className={css['empty']}>
      {props.icon && <Icon name={props.icon} size={20} />}
      <h2>{props.title}</h2>
      {props.children && <div className={css['emptyText']}>{props.children}</div>}
    </div>
  );
}

/** From where nothing runs to how to begin: what a namespace without workflows shows. */
export function Begin({ ns }: { ns: string }) {
  return (
    <Link to="/namespaces/$ns/workflows" params={{ ns }} search={{}}>
      {strings.start.begin}
    </Link>
  );
}

function errorTitle(error: unknown): string {
  const words = strings.common.errors;
  if (!(error instanceof ApiError)) return words.title;
  switch (codeName(error.code)) {
    case 'UNAVAILABLE':
      return error.status === 0 ? words.offline : words.title;
    case 'PERMISSION_DENIED':
      return words.denied;
    case 'UNAUTHENTICATED':
      return words.unauthenticated;
    case 'NOT_FOUND':
      return words.notFound;
    default:
      return words.title;
  }
}

function errorText(error: unknown, change: boolean): string {
  const words = strings.common.errors;
  if (error instanceof ApiError && error.status === 0) return change ? words.offlineChange : words.offlineText;
  return error instanceof Error ? error.message : String(error);
}

interface ErrorProps {
  error: unknown;
  onRetry?: () => void;
  /** What failed would have changed something: nobody tries that again but who asked for it. */
  change?: boolean;
}

/** Something failed: what, in the server's words, and a way on. */
export function ErrorPanel({ error, onRetry, change = false }: ErrorProps) {
  const away = error instanceof ApiError && error.status === 0;
  return (
    <div className={css['error']} role="alert" data-away={away || undefined}>
      <span className={`sk-tone-${away ? 'amber' : 'red'}`}>
        <Icon name="attention" size={16} />
      </span>
      <div className={css['errorBody']}>
        <h2>{errorTitle(error)}</h2>
        <p className={css['errorText']}>{errorText(error, change)}</p>
        {error instanceof ApiError && error.status !== 0 && (
          <p className="sk-dim">{strings.common.errors.code(codeName(error.code), error.status)}</p>
        )}
        {onRetry && <Button onClick={onRetry}>{strings.common.retry}</Button>}
      </div>
    </div>
  );
}

/** A titled part of a page. */
export function Panel(props: { title?: ReactNode; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className={css['panel']}>
      {(props.title || props.aside) && (
        <header className={css['panelHead']}>
          {props.title && <h2>{props.title}</h2>}
          {props.aside && <div className={css['panelAside']}>{props.aside}</div>}
        </header>
      )}
      <div className={css['panelBody']}>{props.children}</div>
    </section>
  );
}

/** Names and values, the names in a column of their own. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={css['facts']}>{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** A command line to copy. */
export function CommandLine({ command, what }: { command: string; what: string }) {
  return (
    <div className={css['command']}>
      <pre tabIndex={0} aria-label={what}>
        {command}
      </pre>
      <CopyButton text={command} what={what} />
    </div>
  );
}

/** A page: a bar that stays and a body that scrolls. */
export function Page({ bar, children }: { bar?: ReactNode; children: ReactNode }) {
  return (
    <div className={css['page']}>
      {bar && <div className={css['pageBar']}>{bar}</div>}
      {/* in the order of Tab, since a body without links could not be scrolled by keyboard */}
      <div className={css['pageBody']} tabIndex={0}>
        {children}
      </div>
    </div>
  );
}
