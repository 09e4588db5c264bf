/* Where the worker and the clients find the server. Not for workflows: they see no environment. */
export const address = process.env.TEMPORAL_ADDRESS ?? '127.0.0.1:7233';
export const namespace = process.env.TEMPORAL_NAMESPACE ?? 'default';
export const taskQueue = process.env.ORDER_TASK_QUEUE ?? 'orders';
