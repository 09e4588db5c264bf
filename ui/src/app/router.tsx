import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { fromPath, toPath } from '@/model/address';
import { config } from './config';
import { Crash } from './Crash';
import { NotFound } from './NotFound';
import { parseSearch, stringifySearch, text } from './search';
import { settings } from './settings';
import { Shell } from './Shell';

/** What anybody may name as they like, as a part of a path: see model/address.ts. */
const named = <K extends string>(...names: K[]) => {
  type Params = { [P in K]: string };
  const each = (change: (part: string) => string) => (params: Params) =>
    Object.fromEntries(names.map((name) => [name, change(params[name])])) as Params;
  return { parse: each(fromPath), stringify: each(toPath) };
};

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

export const namespaceRoute = createRoute({ getParentRoute: () => root, path: '/namespaces/$ns', params: named('ns') });

const namespaceStart = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/namespaces/$ns/workflows', params, search: {}, replace: true });
  },
});

export interface ApiSearch {
  /** The method that is open. */
  op?: string | undefined;
  q?: string | undefined;
  /** `1`: also what is not built yet. */
  all?: string | undefined;
}

const apiRoute = createRoute({
  getParentRoute: () => root,
  path: '/api',
  validateSearch: (search): ApiSearch => ({ ...text(search, 'op'), ...text(search, 'q'), ...text(search, 'all') }),
  component: lazyRouteComponent(() => import('@/pages/api/ApiPage'), 'ApiPage'),
});

const namespacesRoute = createRoute({
  getParentRoute: () => root,
  path: '/namespaces',
  component: lazyRouteComponent(() => import('@/pages/namespaces/NamespacesPage'), 'NamespacesPage'),
});

const homeRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/home',
  component: lazyRouteComponent(() => import('@/pages/home/HomePage'), 'HomePage'),
});

const queuesRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/task-queues',
  validateSearch: (search): { sort?: string } => text(search, 'sort'),
  component: lazyRouteComponent(() => import('@/pages/queues/QueuesPage'), 'QueuesPage'),
});

const queueRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/task-queues/$name',
  params: named('name'),
  component: lazyRouteComponent(() => import('@/pages/queues/QueuePage'), 'QueuePage'),
});

const workersRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/workers',
  validateSearch: (search): { queue?: string; sort?: string } => ({ ...text(search, 'queue'), ...text(search, 'sort') }),
  component: lazyRouteComponent(() => import('@/pages/workers/WorkersPage'), 'WorkersPage'),
});

const settingsRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/settings',
  component: lazyRouteComponent(() => import('@/pages/settings/SettingsPage'), 'SettingsPage'),
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

// One run: its header stays while the pages below it change.
export const executionRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: '/workflows/$workflowId/$runId',
  params: named('workflowId', 'runId'),
  component: lazyRouteComponent(() => import('@/pages/execution/ExecutionPage'), 'ExecutionPage'),
});

const executionStart = createRoute({
  getParentRoute: () => executionRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    const to = '/namespaces/$ns/workflows/$workflowId/$runId/timeline';
    throw redirect({ to, params, search: {}, replace: true });
  },
});

export interface TimelineSearch {
  /** The step whose details are open. */
  step?: string | undefined;
  order?: string | undefined;
  /** Categories that are left out, with commas between. */
  hide?: string | undefined;
  /** `all`: the whole run; `rows`: the time of the rows in view. */
  span?: string | undefined;
  /** `clock`: the axis shows the time of day. */
  axis?: string | undefined;
  /** `short`: long waits are drawn as gaps. */
  waits?: string | undefined;
}

const timelineRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/timeline',
  validateSearch: (search): TimelineSearch => ({
    ...text(search, 'step'),
    ...text(search, 'order'),
    ...text(search, 'hide'),
    ...text(search, 'span'),
    ...text(search, 'axis'),
    ...text(search, 'waits'),
  }),
  component: lazyRouteComponent(() => import('@/pages/execution/TimelinePage'), 'TimelinePage'),
});

export interface HistorySearch {
  /** `all`: a row an event; else a row a step. */
  rows?: string | undefined;
  q?: string | undefined;
  hide?: string | undefined;
  /** `1`: only what failed or is not finished. */
  trouble?: string | undefined;
  order?: string | undefined;
  /** The event or step that is open. */
  event?: string | undefined;
}

const historyRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/history',
  validateSearch: (search): HistorySearch => ({
    ...text(search, 'rows'),
    ...text(search, 'q'),
    ...text(search, 'hide'),
    ...text(search, 'trouble'),
    ...text(search, 'order'),
    ...text(search, 'event'),
  }),
  component: lazyRouteComponent(() => import('@/pages/execution/HistoryPage'), 'HistoryPage'),
});

const inputRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/input',
  component: lazyRouteComponent(() => import('@/pages/execution/InputPage'), 'InputPage'),
});

const pendingRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/pending',
  component: lazyRouteComponent(() => import('@/pages/execution/PendingPage'), 'PendingPage'),
});

const queriesRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/queries',
  component: lazyRouteComponent(() => import('@/pages/execution/QueriesPage'), 'QueriesPage'),
});

const relationsRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/relations',
  component: lazyRouteComponent(() => import('@/pages/execution/RelationsPage'), 'RelationsPage'),
});

const runWorkersRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/workers',
  component: lazyRouteComponent(() => import('@/pages/execution/WorkersPage'), 'WorkersPage'),
});

export interface CompareSearch {
  /** The other run: its workflow's id and its own. */
  with?: string;
  run?: string;
}

const compareRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/compare',
  validateSearch: (search): CompareSearch => ({ ...text(search, 'with'), ...text(search, 'run') }),
  component: lazyRouteComponent(() => import('@/pages/execution/ComparePage'), 'ComparePage'),
});

const jsonRoute = createRoute({
  getParentRoute: () => executionRoute,
  path: '/json',
  component: lazyRouteComponent(() => import('@/pages/execution/JsonPage'), 'JsonPage'),
});

const importRoute = createRoute({
  getParentRoute: () => root,
  path: '/import',
  component: lazyRouteComponent(() => import('@/pages/execution/ImportPage'), 'ImportPage'),
});

const routeTree = root.addChildren([
  start,
  importRoute,
  apiRoute,
  namespacesRoute,
  namespaceRoute.addChildren([
    namespaceStart,
    homeRoute,
    queuesRoute,
    queueRoute,
    workersRoute,
    settingsRoute,
    workflowsRoute,
    executionRoute.addChildren([
      executionStart,
      timelineRoute,
      historyRoute,
      inputRoute,
      pendingRoute,
      queriesRoute,
      relationsRoute,
      runWorkersRoute,
      compareRoute,
      jsonRoute,
    ]),
  ]),
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
