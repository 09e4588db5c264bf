/*
 * The order saga. Each step that changes the outside world registers how to undo itself
 * before the next step runs; when a later step fails for good, the undo steps run last to
 * first. The workflow is ordinary code: what makes it survive a crash of the worker or the
 * server is that every step it has taken stands in its history.
 */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type * as activities from './activities';
import { APPROVAL_CENTS, Order, OrderResult, OrderStatus, Stage } from './shared';

export const approve = defineSignal<[approver: string]>('approve');
export const status = defineQuery<OrderStatus>('status');

const shop = proxyActivities<typeof activities>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 1.5, maximumAttempts: 20 },
});

const carrier = proxyActivities<typeof activities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', maximumAttempts: 20 },
});

export async function orderWorkflow(order: Order): Promise<OrderResult> {
  const undo: { name: string; run: () => Promise<void> }[] = [];
  let stage: Stage = 'received';
  let approver: string | undefined;

  setHandler(approve, (by) => {
    approver = by;
  });
  setHandler(status, () => ({ stage, undo: undo.map((step) => step.name).reverse() }));

  try {
    undo.push({ name: 'release stock', run: () => shop.releaseStock(order.id) });
    await shop.reserveStock(order.id, order.item, order.quantity);
    stage = 'stock reserved';

    if (order.total >= APPROVAL_CENTS) {
      stage = 'waiting for approval';
      const patience = order.approvalTimeoutMs ?? 24 * 3600 * 1000;
      if (!(await condition(() => approver !== undefined, patience)))
        throw ApplicationFailure.nonRetryable('nobody approved the order in time');
    }

    undo.push({ name: 'refund payment', run: () => shop.refundPayment(order.id) });
    await shop.chargePayment(order.id, order.total, order.paymentOutages ?? 0);
    stage = 'paid';

    const tracking = await executeChild(shippingWorkflow, {
      args: [order],
      workflowId: `${workflowInfo().workflowId}/shipping`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    stage = 'shipped';

    await sleep('100 milliseconds'); // a cooling-off period, if you will
    stage = 'completed';
    return { stage, tracking, undone: [] };
  } catch (err) {
    stage = 'compensating';
    const undone: string[] = [];
    // A cancelled order must still be able to undo: hence the scope.
    await CancellationScope.nonCancellable(async () => {
      for (const step of [...undo].reverse()) {
        await step.run();
        undone.push(step.name);
      }
    });
    stage = 'cancelled';
    return { stage, reason: rootMessage(err), undone };
  }
}

/** Packs and delivers in a workflow of its own, as another team's service would. */
export async function shippingWorkflow(order: Order): Promise<string> {
  const parcel = await shop.packParcel(order.id, order.item, order.quantity);
  await sleep('50 milliseconds');
  return await carrier.deliverParcel(order.id, parcel, order.loseParcel ?? false);
}

function rootMessage(err: unknown): string {
  if (isCancellation(err)) return 'the order was cancelled';
  let at: unknown = err;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at instanceof Error ? at.message : String(at);
}
