import { queryOptions } from '@tanstack/react-query';
import { at, get, rpc } from './client';

/** proto/skald/api/v1/task_queue.proto and worker.proto, as JSON. */
export interface TaskQueueInfo {
  name?: string;
  type?: string;
  pollerCount?: number;
  waitingPolls?: number;
  lastPollTime?: string;
  backlogCount?: string;
  backlogAge?: string;
  addRate?: number;
  dispatchRate?: number;
  rateLimit?: number;
  rateLimited?: boolean;
  idleReason?: string;
}

export interface TaskQueueList {
  taskQueues?: TaskQueueInfo[];
  dataSince?: string;
  truncated?: boolean;
}

export interface QueueDetail {
  info?: TaskQueueInfo;
  pollers?: {
    identity?: string;
    lastPollTime?: string;
    rateLimit?: number;
    buildId?: string;
    deploymentName?: string;
  }[];
  levels?: {
    priority?: number;
    backlogCount?: string;
    backlogAge?: string;
    addRate?: number;
    dispatchRate?: number;
  }[];
  explanation?: string;
  similarNames?: string[];
}

export interface TaskQueueAnswer {
  workflow?: QueueDetail;
  activity?: QueueDetail;
  dataSince?: string;
}

export const taskQueuesQuery = (ns: string) =>
  queryOptions({
    queryKey: ['task-queues', ns],
    queryFn: ({ signal }) => get<TaskQueueList>(at`skald/namespaces/${ns}/task-queues`, { signal }),
  });

export const taskQueueQuery = (ns: string, name: string) =>
  queryOptions({
    queryKey: ['task-queue', ns, name],
    queryFn: ({ signal }) => rpc<TaskQueueAnswer>('GetTaskQueue', { namespace: ns, taskQueue: name }, signal),
  });

export interface ActiveWorker {
  identity?: string;
  sdkName?: string;
  sdkVersion?: string;
  buildId?: string;
  deploymentName?: string;
  peer?: string;
  firstSeenTime?: string;
  lastPollTime?: string;
  queues?: {
    name?: string;
    type?: string;
    sticky?: boolean;
    lastPollTime?: string;
    waitingPolls?: number;
    tasksTaken?: string;
  }[];
  waitingPolls?: number;
  tasksInHand?: string;
  tasksTaken?: string;
  tasksFailed?: string;
  lastError?: { time?: string; message?: string; type?: string };
  alive?: boolean;
  heartbeat?: {
    hostInfo?: { hostName?: string; processId?: string; currentHostCpuUsage?: number; currentHostMemUsage?: number };
    heartbeatTime?: string;
    workflowTaskSlotsInfo?: Slots;
    activityTaskSlotsInfo?: Slots;
    totalStickyCacheHit?: number;
    totalStickyCacheMiss?: number;
    currentStickyCacheSize?: number;
  };
}

interface Slots {
  currentAvailableSlots?: number;
  currentUsedSlots?: number;
}

export interface WorkerList {
  workers?: ActiveWorker[];
  dataSince?: string;
  truncated?: boolean;
}

export const workersQuery = (ns: string, taskQueue = '') =>
  queryOptions({
    queryKey: ['workers', ns, taskQueue],
    refetchInterval: 5_000,
    queryFn: ({ signal }) =>
      get<WorkerList>(at`skald/namespaces/${ns}/workers`, { query: { taskQueue }, signal }),
  });
