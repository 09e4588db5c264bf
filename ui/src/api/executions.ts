import { payloadsIn } from '@/model/payloads';
import type { DescribeExecution, ExecutionInfo, HistoryPage, Payloads } from '@/model/proto';
import { at, get, rpc } from './client';
import { encodeRequest } from './codec';
import { decodeNow } from './decoder';

/** The one run that a page is about. */
export interface RunId {
  ns: string;
  workflowId: string;
  runId: string;
}

const of = ({ ns, workflowId, runId }: RunId) => ({ namespace: ns, execution: { workflowId, runId } });

export function describeRun(id: RunId, signal?: AbortSignal): Promise<DescribeExecution> {
  return rpc('DescribeWorkflowExecution', of(id), signal);
}

/** The largest page that the server gives. */
export const historyPageMax = 256;

export interface PageOptions {
  nextPageToken?: string | undefined;
  maximumPageSize?: number;
  signal?: AbortSignal | undefined;
}

/** Newest first. */
export function historyReverse(id: RunId, options: PageOptions = {}): Promise<HistoryPage> {
  const { signal, maximumPageSize = historyPageMax, nextPageToken } = options;
  return rpc('GetWorkflowExecutionHistoryReverse', { ...of(id), maximumPageSize, nextPageToken }, signal);
}

export function historyForward(id: RunId, options: PageOptions = {}): Promise<HistoryPage> {
  const { signal, maximumPageSize = historyPageMax, nextPageToken } = options;
  return rpc('GetWorkflowExecutionHistory', { ...of(id), maximumPageSize, nextPageToken }, signal);
}

export interface QueryAnswer {
  queryResult?: Payloads;
  queryRejected?: { status?: string };
}

export async function queryRun(
  id: RunId,
  queryType: string,
  queryArgs?: Payloads,
  signal?: AbortSignal,
): Promise<QueryAnswer> {
  const { input } = await encodeRequest(id.ns, { input: queryArgs });
  const query = { queryType, ...(input ? { queryArgs: input } : {}) };
  const answer = await rpc<QueryAnswer>('QueryWorkflow', { ...of(id), query }, signal);
  await decodeNow(id.ns, payloadsIn(answer.queryResult));
  return answer;
}

interface ListAnswer {
  executions?: ExecutionInfo[];
  nextPageToken?: string;
}

/** A word of the query language: quoted, whatever it holds. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** The first page of what matches. */
export async function findRuns(
  ns: string,
  query: string,
  pageSize: number,
  signal?: AbortSignal,
): Promise<{ runs: ExecutionInfo[]; more: boolean }> {
  const answer = await get<ListAnswer>(at`namespaces/${ns}/workflows`, {
    query: { query, pageSize },
    signal,
  });
  return { runs: answer.executions ?? [], more: Boolean(answer.nextPageToken) };
}
