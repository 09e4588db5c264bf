/*
 * The example's worker, with a witness: each attempt of an activity leaves a line in ORDER_ATTEMPTS when it starts and
 * when it returns, so that the test can see what the server handed out and how often. Copied beside the example's
 * own sources to run.
 */
import { appendFileSync } from 'node:fs';
import { NativeConnection, Worker } from '@temporalio/worker';
import * as activities from './activities';
import { address, namespace, taskQueue } from './config';

const file = process.env.ORDER_ATTEMPTS ?? 'attempts.jsonl';

async function main(): Promise<void> {
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    namespace,
    taskQueue,
    activities,
    workflowBundle: { codePath: process.env.WORKFLOW_BUNDLE ?? 'workflow-bundle.js' },
    interceptors: {
      activity: [
        (context) => ({
          inbound: {
            async execute(input, next) {
              const { workflowExecution, activityId, activityType, attempt } = context.info;
              const run = workflowExecution?.runId;
              const note = (what: string) =>
                appendFileSync(file, JSON.stringify({ what, run, activityId, activityType, attempt }) + '\n');
              note('start');
              const result = await next(input);
              note('done');
              return result;
            },
          },
        }),
      ],
    },
  });
  await worker.run();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
