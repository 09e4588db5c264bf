import { Link, useLocation } from '@tanstack/react-router';
import { EmptyState } from '@/design/parts';
import { strings } from '@/strings';

export function NotFound() {
  const { pathname } = useLocation();
  return (
    <EmptyState title={strings.shell.notFound} icon="search">
      <p>{strings.shell.notFoundText(pathname)}</p>
      <Link to="/">{strings.shell.toHome}</Link>
    </EmptyState>
  );
}
