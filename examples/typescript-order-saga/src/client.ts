/*
 * Places four orders and follows them: one goes through, one needs a person's approval, one
 * loses its parcel and is undone, one is out of stock.
 */
import { Client, Connection } from '@temporalio/client';
import { address, namespace, taskQueue } from './config';
import type { Order, OrderResult } from './shared';
import { approve, orderWorkflow, status } from './workflows';

const suffix = Date.now().toString(36);

const orders: Order[] = [
  { id: `plain-${suffix}`, item: 'notebook', quantity: 2, total: 1_800, paymentOutages: 2 },
  { id: `large-${suffix}`, item: 'piano', quantity: 1, total: 450_000 },
  { id: `lost-${suffix}`, item: 'vase', quantity: 1, total: 9_900, loseParcel: true },
  { id: `none-${suffix}`, item: 'unobtainium', quantity: 1, total: 5_000 },
];

async function main(): Promise<void> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });

  const handles = await Promise.all(
    orders.map((order) =>
      client.workflow.start(orderWorkflow, {
        taskQueue,
        workflowId: `order-${order.id}`,
        args: [order],
      })
    )
  );

  const large = handles[1];
  for (;;) {
    const { stage, undo } = await large.query(status);
    console.log(`${large.workflowId}: ${stage}; would undo: ${undo.join(', ') || 'nothing'}`);
    if (stage === 'waiting for approval') break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await large.signal(approve, 'the manager');

  for (const handle of handles) {
    const result: OrderResult = await handle.result();
    console.log(`${handle.workflowId}: ${JSON.stringify(result)}`);
  }
  await connection.close();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
