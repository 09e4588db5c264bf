/*
 * The steps of the saga. The "outside world" (stock, payment provider, carrier) is one file of
 * JSON lines, the ledger, so that the example needs nothing else and a reader can see what
 * really happened and how often. Every step is safe to repeat: a step whose worker died after
 * the work and before the answer is tried again.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { activityInfo, heartbeat, sleep } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

const LEDGER = process.env.ORDER_LEDGER ?? 'ledger.jsonl';

interface Entry {
  order: string;
  what: string;
  attempt: number;
}

function record(order: string, what: string): void {
  const info = activityInfo();
  const entry = {
    order,
    what,
    run: info.workflowExecution?.runId,
    activity: info.activityId,
    attempt: info.attempt,
    at: new Date().toISOString(),
  };
  appendFileSync(LEDGER, JSON.stringify(entry) + '\n');
}

function entries(order: string): Entry[] {
  if (!existsSync(LEDGER)) return [];
  return readFileSync(LEDGER, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"${order}"`))
    .map((line) => JSON.parse(line) as Entry);
}

const done = (order: string, what: string) => entries(order).some((entry) => entry.what === what);

export async function reserveStock(order: string, item: string, quantity: number): Promise<void> {
  if (item === 'unobtainium')
    throw ApplicationFailure.nonRetryable(`no ${item} in stock`, 'OutOfStock');
  if (!done(order, 'stock reserved')) record(order, 'stock reserved');
  await sleep(5 * quantity);
}

export async function releaseStock(order: string): Promise<void> {
  if (done(order, 'stock reserved') && !done(order, 'stock released'))
    record(order, 'stock released');
}

/** Fails `outages` times as a provider under load would; the retry policy sees it through. */
export async function chargePayment(order: string, cents: number, outages: number): Promise<void> {
  if (activityInfo().attempt <= outages)
    throw ApplicationFailure.retryable('the payment provider answers 503', 'ProviderBusy');
  if (cents <= 0) throw ApplicationFailure.nonRetryable('nothing to charge', 'BadAmount');
  if (!done(order, 'payment charged')) record(order, 'payment charged');
}

export async function refundPayment(order: string): Promise<void> {
  if (done(order, 'payment charged') && !done(order, 'payment refunded'))
    record(order, 'payment refunded');
}

export async function packParcel(order: string, item: string, quantity: number): Promise<string> {
  if (!done(order, 'parcel packed')) record(order, 'parcel packed');
  return `${quantity} x ${item}`;
}

/** Drives five legs and heartbeats each: a later attempt goes on where the last one was seen. */
export async function deliverParcel(order: string, parcel: string, lose: boolean): Promise<string> {
  const legs = ['depot', 'motorway', 'town', 'street', 'door'];
  const seen = (activityInfo().heartbeatDetails as number | undefined) ?? 0;
  for (let leg = seen; leg < legs.length; leg++) {
    await sleep(20);
    if (lose && legs[leg] === 'town')
      throw ApplicationFailure.nonRetryable(`the carrier lost ${parcel}`, 'ParcelLost');
    heartbeat(leg + 1);
  }
  if (!done(order, 'parcel delivered')) record(order, 'parcel delivered');
  return `SK-${order}`;
}
