/*
 * Thousands of runs of several types, ids and outcomes, the same ones for the same seed. What they
 * do is one workflow task each.
 */
import type { Client } from '@temporalio/client';
import { complete, fail, inLanes, type Command } from './raw.ts';

const identity = 'worker@crowd';
const LANES = 32;

interface Kind {
  type: string;
  queue: string;
  id: (number: number, random: () => number) => string;
  error: [message: string, type: string];
}

const hex = (random: () => number, digits: number) =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');

const KINDS: Kind[] = [
  {
    type: 'OrderWorkflow',
    queue: 'orders',
    id: (number) => `order-${204_000 + number}`,
    error: ['the warehouse is out of stock', 'OutOfStock'],
  },
  {
    type: 'RefundPayment',
    queue: 'billing',
    id: (number, random) => `refund-${hex(random, 8)}-${number}`,
    error: ['card 4242 was declined', 'CardDeclined'],
  },
  {
    type: 'MonthlyInvoice',
    queue: 'billing',
    id: (number) => `invoice/2026-10/customer-${number}`,
    error: ['the customer has no tax number', 'InvalidCustomer'],
  },
  {
    type: 'OnboardCustomer',
    queue: 'onboarding',
    id: (_, random) => [8, 4, 4, 4, 12].map((digits) => hex(random, digits)).join('-'),
    error: ['the address could not be verified', 'AddressUnknown'],
  },
];

/** Mulberry32: small, and the same everywhere. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface One extends Kind {
  workflowId: string;
  fate: 'complete' | 'fail' | 'run' | 'terminate';
}

function plan(seed: number, count: number): One[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, number) => {
    const kind = KINDS[Math.floor(random() ** 1.5 * KINDS.length)]!;
    const draw = random();
    const fate = draw < 0.8 ? 'complete' : draw < 0.88 ? 'fail' : draw < 0.96 ? 'run' : 'terminate';
    return { ...kind, workflowId: kind.id(number, random), fate };
  });
}

function commands({ fate, error }: One): Command[] {
  if (fate === 'complete') return [complete({ ok: true })];
  return fate === 'fail' ? [fail(...error)] : [];
}

/** Starts them all and brings each where it goes. */
export async function crowd(client: Client, seed: number, count: number): Promise<void> {
  const { workflowService: api } = client;
  const { namespace } = client.options;
  const all = plan(seed, count);
  const byId = new Map(all.map((one) => [one.workflowId, one]));
  await inLanes(LANES, count, async (number) => {
    const { workflowId, type, queue } = all[number]!;
    const args = [{ customer: number, items: ['book', 'paper'] }];
    await client.workflow.start(type, { workflowId, taskQueue: queue, args });
    const task = await api.pollWorkflowTaskQueue({ namespace, identity, taskQueue: { name: queue } });
    const one = byId.get(task.workflowExecution?.workflowId ?? '')!;
    const { taskToken } = task;
    await api.respondWorkflowTaskCompleted({ namespace, identity, taskToken, commands: commands(one) });
    if (one.fate === 'terminate')
      await client.workflow.getHandle(one.workflowId).terminate('a duplicate');
  });
}
