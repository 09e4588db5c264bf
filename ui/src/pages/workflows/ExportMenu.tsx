import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { useRef, useState } from 'react';
import { listWorkflows } from '@/api/workflows';
import { saveFile } from '@/design/save-file';
import { Icon } from '@/design/icons';
import { toast } from '@/design/toasts';
import type { Column } from '@/model/columns';
import { csvHead, csvRows } from '@/model/csv';
import type { ExecutionInfo } from '@/model/proto';
import { strings } from '@/strings';

const s = strings.workflows.export;
const rowsMax = 100_000;
const pageSize = 1000;

/** All rows of a query, page by page, until it ends or is stopped. */
async function readAll({ ns, query, orderBy }: Props, signal: AbortSignal, onCount: (n: number) => void) {
  const rows: ExecutionInfo[] = [];
  let nextPageToken: string | undefined;
  do {
    const page = await listWorkflows(ns, query, { pageSize, orderBy, nextPageToken, signal });
    rows.push(...(page.executions ?? []));
    nextPageToken = page.nextPageToken || undefined;
    onCount(rows.length);
  } while (nextPageToken && rows.length < rowsMax);
  return { rows, cut: Boolean(nextPageToken) };
}

interface Props {
  ns: string;
  query: string;
  orderBy: string | undefined;
  columns: readonly Column[];
}

/** The whole query as a file. */
export function ExportMenu(props: Props) {
  const { ns, columns } = props;
  const [done, setDone] = useState<number>();
  const abort = useRef<AbortController>(undefined);
  const run = async (kind: 'json' | 'csv') => {
    abort.current = new AbortController();
    setDone(0);
    try {
      const { rows, cut } = await readAll(props, abort.current.signal, setDone);
      const name = `workflows-${ns}.${kind}`.replaceAll(/[^\w.-]+/g, '_');
      if (kind === 'json') saveFile(name, 'application/json', JSON.stringify(rows, null, 2));
      else saveFile(name, 'text/csv', csvHead(columns) + csvRows(columns, rows, Date.now()));
      toast('done', s.done(rows.length), cut ? s.cut(rowsMax) : undefined);
    } catch (error) {
      if (!abort.current.signal.aborted) toast('failed', error instanceof Error ? error.message : String(error));
    } finally {
      setDone(undefined);
    }
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Tooltip label={s.button}>
          <ActionIcon aria-label={s.button} loading={done !== undefined}>
            <Icon name="download" size={16} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {done === undefined ? (
          <>
            <Menu.Item onClick={() => void run('json')}>{s.json}</Menu.Item>
            <Menu.Item onClick={() => void run('csv')}>{s.csv}</Menu.Item>
          </>
        ) : (
          <>
            <Menu.Label>{s.running(done)}</Menu.Label>
            <Menu.Item onClick={() => abort.current?.abort()}>{s.cancel}</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
