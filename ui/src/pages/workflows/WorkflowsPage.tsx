import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { ActionButton } from '@/actions/ActionButton';
import { openAction } from '@/actions/open';
import { whyNot } from '@/actions/RunActions';
import { useAway } from '@/api/connection';
import { isCode } from '@/api/errors';
import { searchAttributesQuery } from '@/api/searchAttributes';
import { useCommand } from '@/app/commands';
import { changeSettings, useSettings } from '@/app/settings';
import { useShortcuts } from '@/app/shortcuts';
import { Icon } from '@/design/icons';
import { EmptyState, ErrorPanel } from '@/design/parts';
import { focusQueryField, QueryField } from '@/design/QueryField';
import { builtIn, columnsOf, usualColumns } from '@/model/columns';
import { complete, systemFields } from '@/model/completion';
import { rowKey } from '@/model/live-list';
import { hasOrder, needsClose, type Order, orderOf, servedOrder } from '@/model/order';
import type { ExecutionInfo } from '@/model/proto';
import { both, errorPosition, statusesOf, withStatuses } from '@/model/query';
import { strings } from '@/strings';
import { shortcutGroups } from '@/strings/shell';
import { AddFilter } from './AddFilter';
import { ColumnsMenu } from './ColumnsMenu';
import { ExportMenu } from './ExportMenu';
import { GettingStarted } from './GettingStarted';
import { type ListStore, pageSize } from './list-store';
import { OrderMenu, OrderNote } from './OrderMenu';
import { SelectionBar } from './SelectionBar';
import { StatusChips } from './StatusChips';
import { totalOf, useCounts } from './useCounts';
import { useWorkflowList } from './useWorkflowList';
import { ViewsMenu } from './ViewsMenu';
import css from './WorkflowsPage.module.css';
import { useNarrow, WorkflowTable } from './WorkflowTable';

const s = strings.workflows;
const route = getRouteApi('/namespaces/$ns/workflows');
const listName = 'workflows'; // in settings.columns
const orderedWhenNarrow = [...usualColumns, 'closeTime'];

/** Values of a column among the rows at hand, for completion. */
function seenValues(rows: readonly ExecutionInfo[], field: string): readonly string[] {
  const of = (row: ExecutionInfo) =>
    field === 'WorkflowType' ? row.type?.name : field === 'TaskQueue' ? row.taskQueue : undefined;
  return [...new Set(rows.flatMap((row) => of(row) ?? []))].sort().slice(0, 50);
}

/** The address is the state: filter, order and view; columns are the view's or this browser's. */
function useListState() {
  const { ns } = route.useParams();
  const { q: query = '', sort = '', view } = route.useSearch();
  const navigate = route.useNavigate();
  const { columns } = useSettings();
  const setSearch = useCallback(
    (next: { query?: string; sort?: string; view?: string | undefined }) =>
      void navigate({
        search: {
          ...((next.query ?? query) ? { q: next.query ?? query } : {}),
          ...((next.sort ?? sort) ? { sort: next.sort ?? sort } : {}),
          ...(('view' in next ? next.view : view) ? { view: 'view' in next ? next.view : view } : {}),
        } as { q?: string; sort?: string; view?: string },
      }),
    [navigate, query, sort, view],
  );
  const columnIds = columns[listName] ?? [];
  const setColumns = (ids: string[]) => changeSettings({ columns: { ...columns, [listName]: ids } });
  return { ns, query, sort, view, setSearch, columnIds, setColumns };
}

function useSelection(scope: string) {
  const [state, setState] = useState<{ scope: string; keys: ReadonlySet<string>; everything: boolean }>({
    scope,
    keys: new Set(),
    everything: false,
  });
  // Another filter is another list: what was selected there is not selected here.
  const now = state.scope === scope ? state : { scope, keys: new Set<string>(), everything: false };
  const select = (keys: readonly string[], on: boolean) => {
    const next = new Set(now.keys);
    for (const key of keys) {
      if (on) next.add(key);
      else next.delete(key);
    }
    setState({ scope, keys: next, everything: false });
  };
  return {
    keys: now.keys,
    everything: now.everything,
    select,
    selectEverything: () => setState({ ...now, everything: true }),
    clear: () => setState({ scope, keys: new Set(), everything: false }),
  };
}

function StartButton({ ns }: { ns: string }) {
  const start = () => openAction({ kind: 'start', ns });
  const why = whyNot('start', true);
  useShortcuts(why ? [] : [{ keys: 'c', does: s.shortcuts.start, group: shortcutGroups.list, run: start }]);
  useCommand(why ? undefined : { name: strings.actions.start, icon: 'play', run: start });
  useCommand(
    why
      ? undefined
      : {
          name: strings.actions.signalWithStart,
          icon: 'received',
          run: () => openAction({ kind: 'signalWithStart', ns }),
        },
  );
  return (
    <ActionButton filled why={why} onClick={start}>
      {strings.actions.start}
    </ActionButton>
  );
}

/** Whether what is shown is what is: pushed, asked for again, or only as far as the first page reaches. */
function LiveState({ live, store, short = false }: { live: boolean; store: ListStore; short?: boolean }) {
  const words = strings.shell.connection;
  const { list, behind = false } = store.state();
  if (useAway()) return null; // the bar says so
  const [text, hint] =
    live && behind
      ? [s.behind, s.behindHint]
      : list.rows.length > pageSize
        ? live
          ? [short ? s.someLive(pageSize) : s.firstLive(pageSize), s.firstLiveHint(pageSize)]
          : [words.polling, s.firstPollingHint(pageSize)]
        : live
          ? [words.live, words.liveHint]
          : [words.polling, words.pollingHint];
  return (
    <span className={`sk-dim ${css['live']}`} title={hint} data-live={(live && !behind) || undefined}>
      {text}
    </span>
  );
}

interface NotesProps {
  store: ListStore;
  /** Changes are told. */
  live: boolean;
  order: Order | undefined;
  /** A head of a column says what the list is sorted by. */
  orderShown: boolean;
  narrow: boolean;
  onSort: (sort: string) => void;
  total: number | undefined;
  /** The chips do not say the number: it is the sum of several. */
  several: boolean;
  /** There may be open runs, and others. */
  mixed: boolean;
  /** Shows nothing but the open ones. */
  onOpen: () => void;
  onFresh: () => void;
}

function ListNotes(props: NotesProps) {
  const { list } = props.store.state();
  const { order } = props;
  return (
    <>
      {order && !props.orderShown && <OrderNote order={order} onSort={props.onSort} />}
      {order && props.mixed && needsClose(order) && <OpenLast order={order} onOpen={props.onOpen} />}
      {list.held && list.fresh > 0 && (
        <button type="button" className={css['fresh']} title={s.newRowsHint} onClick={props.onFresh}>
          <Icon name="up" size={12} />
          {s.newRows(list.fresh, list.held.more && list.fresh === list.held.rows.length)}
        </button>
      )}
      {props.several && props.total !== undefined && (
        <span className={`sk-dim ${css['total']}`}>{s.count(props.total)}</span>
      )}
      {!props.narrow && <LiveState live={props.live} store={props.store} />}
    </>
  );
}

/** Where the open ones are in a list that is sorted by what only closed ones have; a click shows those by how long. */
function OpenLast({ order, onOpen }: { order: Order; onOpen: () => void }) {
  const hint = s.order.openLastHint(order.column.name);
  if (order.column.id !== 'duration')
    return (
      <span className={`sk-dim ${css['total']}`} title={hint}>
        {s.order.openLast}
      </span>
    );
  return (
    <button type="button" className={css['openLast']} title={s.order.openOnlyHint} onClick={onOpen}>
      {s.order.openLast}
    </button>
  );
}

export function WorkflowsPage() {
  const { ns, query, sort, view, setSearch, columnIds, setColumns } = useListState();
  const [edited, setEdited] = useState(query);
  const order = useMemo(() => orderOf(sort), [sort]);
  const statuses = useMemo(() => statusesOf(query)?.statuses ?? [], [query]);
  const served = useMemo(() => servedOrder(order, statuses), [order, statuses]);
  const { list, status, error, loadingMore, store, live } = useWorkflowList(ns, query, served);
  const counts = useCounts(ns, query);
  const { data: attributes = [] } = useQuery(searchAttributesQuery(ns));
  const selection = useSelection(`${ns}\n${query}`);
  const narrow = useNarrow();
  const columns = useMemo(() => columnsOf(columnIds), [columnIds]);
  const { rows } = list;
  const fields = useMemo(() => [...systemFields, ...attributes], [attributes]);
  const values = useCallback((field: string) => seenValues(rows, field), [rows]);
  const total = totalOf(counts, statuses);
  const setQuery = (next: string) => setSearch({ query: next });
  const setSort = (next: string) => setSearch({ sort: next });
  const wrong = isCode(error, 'INVALID_ARGUMENT') ? (error as Error).message : undefined;
  const wrongOrder = wrong?.startsWith('invalid order_by') === true;
  const group = shortcutGroups.list;
  const [asked, setAsked] = useState(0);
  const showFresh = () => {
    store.showFresh();
    setAsked(asked + 1);
  };
  useShortcuts([
    { keys: '/', does: s.shortcuts.filter, group, run: focusQueryField },
    { keys: 'n', does: s.shortcuts.fresh, group, run: showFresh },
  ]);
  const onEnd = useCallback(() => void store.loadMore(), [store]);
  const onHold = useCallback((held: boolean) => store.setHeld(held), [store]);
  return (
    <div className={css['page']}>
      <h1 className="sk-hidden">{s.title}</h1>
      <div className={css['bar']}>
        {selection.keys.size > 0 ? (
          <SelectionBar
            ns={ns}
            query={query}
            rows={rows.filter((row) => selection.keys.has(rowKey(row)))}
            everything={selection.everything}
            total={total}
            onEverything={selection.selectEverything}
            onClear={selection.clear}
            onDone={() => void store.refresh().then(store.showFresh)}
          />
        ) : (
          <>
            <ViewsMenu
              ns={ns}
              name={view}
              shown={{ query, columns: columnIds, sort }}
              onChoose={(chosen) => {
                if (chosen.columns.length > 0) setColumns([...chosen.columns]);
                setSearch({ query: chosen.query, sort: chosen.sort, view: chosen.name });
              }}
            />
            <StatusChips query={query} counts={counts} onQuery={setQuery} />
            <div className={css['tools']}>
              {narrow && <LiveState live={live} store={store} short />}
              {narrow ? (
                <OrderMenu columns={builtIn.filter((c) => orderedWhenNarrow.includes(c.id))} sort={sort} onSort={setSort} />
              ) : (
                <ColumnsMenu ids={columnIds} attributes={attributes.map((a) => a.name)} onChange={setColumns} />
              )}
              <ExportMenu ns={ns} query={query} orderBy={store.orderBy} columns={columns} />
              <StartButton ns={ns} />
            </div>
          </>
        )}
      </div>
      <div className={css['filter']}>
        <AddFilter fields={fields} values={values} onAdd={(made) => setQuery(both(query, made))} />
        <div className={css['field']} data-wrong={(wrong !== undefined && !wrongOrder) || undefined}>
          <QueryField
            label={s.query.label}
            value={query}
            onApply={(next) => (next === query ? void store.refresh() : setQuery(next))}
            onEdit={setEdited}
            complete={(text, at) => complete(text, at, { fields, values, now: Date.now() })}
            errorAt={wrong === undefined || wrongOrder ? undefined : (errorPosition(wrong, query) ?? 0)}
          />
          {edited.trim() !== query.trim() && <span className={css['apply']}>↵ {s.query.apply}</span>}
          {query && (
            <button type="button" className={css['clear']} aria-label={s.query.clear} title={s.query.clear} onClick={() => setQuery('')}>
              <Icon name="close" size={12} />
            </button>
          )}
        </div>
        <div className={css['notes']}>
          <ListNotes
            store={store}
            live={live}
            order={order}
            orderShown={!narrow && columns.some((c) => c.id === order?.column.id)}
            onSort={setSort}
            total={total}
            several={statuses.length > 1}
            mixed={statuses.length === 0 || (statuses.length > 1 && statuses.includes('Running'))}
            narrow={narrow}
            onOpen={() => setQuery(withStatuses(query, ['Running']))}
            onFresh={showFresh}
          />
        </div>
      </div>
      {wrong !== undefined && (
        <p className={css['wrong']} role="alert">
          {wrong} {wrongOrder && <Button size="compact-xs" onClick={() => setSort('')}>{s.order.own}</Button>}
        </p>
      )}
      <div className={css['body']}>
        {status === 'failed' && wrong === undefined ? (
          <ErrorPanel error={error} onRetry={() => void store.refresh()} />
        ) : status === 'ready' && rows.length === 0 && query === '' ? (
          <GettingStarted ns={ns} />
        ) : status === 'ready' && rows.length === 0 ? (
          <EmptyState title={s.empty.title} icon="search">
            <p>{s.empty.text}</p>
            {query && <Button onClick={() => setQuery('')}>{s.empty.clear}</Button>}
          </EmptyState>
        ) : (
          <WorkflowTable
            ns={ns}
            rows={rows}
            columns={columns}
            sort={sort}
            onSort={setSort}
            sortable={(column) => hasOrder(column, attributes)}
            selected={selection.keys}
            onSelect={selection.select}
            onHold={onHold}
            left={list.left}
            onEnd={onEnd}
            list={store}
            asked={asked}
            total={total}
            foot={(loadingMore || status === 'loading') && <div className={css['more']}>{strings.common.loading}</div>}
          />
        )}
      </div>
    </div>
  );
}
