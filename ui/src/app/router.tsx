import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { config } from './config';
import { Crash } from './Crash';
import { NotFound } from './NotFound';
import { parseSearch, stringifySearch, text } from './search';
import { settings } from './settings';
import { Shell } from './Shell';

/**
 * All addresses. Values in paths are percent-encoded by the router; searches are plain text, as
 * search.ts writes them. A page joins here, and in sections.ts if it has an entry in the bar.
 */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Crash });

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    const ns = settings().namespace || config.defaultNamespace;
    throw redirect({ to: '/namespaces/$ns/workflows', params: { ns }, search: {}, replace: true });
  },
});

export const namespaceRoute = createRoute({ getParentRoute: () => root, path: '/namespaces/$ns' });

const namespaceStart = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/namespaces/$ns/workflows', params, search: {}, replace: true });
  },
});

export interface ListSearch {
  /** The filter, in the query language. */
  q?: string;
  /** A column, `-` before it for descending. */
  sort?: string;
  /** A saved view's id. */
  view?: string;
}

export const workflowsRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/workflows',
  validateSearch: (search): ListSearch => ({
    ...text(search, 'q'),
    ...text(search, 'sort'),
    ...text(search, 'view'),
  }),
  component: lazyRouteComponent(() => import('@/pages/workflows/WorkflowsPage'), 'WorkflowsPage'),
});

// One run. Its pages are children of this route; their addresses are in pages/execution.
export const executionRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/workflows/$workflowId/$runId',
  component: lazyRouteComponent(() => import('@/pages/execution/ExecutionPage'), 'ExecutionPage'),
});

const routeTree = root.addChildren([
  start,
  namespaceRoute.addChildren([namespaceStart, workflowsRoute, executionRoute]),
]);

export const router = createRouter({
  routeTree,
  basepath: config.base,
  parseSearch,
  stringifySearch,
  defaultPreload: false,
  scrollRestoration: false,
  defaultErrorComponent: Crash,
  defaultNotFoundComponent: NotFound,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
