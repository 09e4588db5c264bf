/* Runs the saga's workflows and activities until SIGINT or SIGTERM. */
import { NativeConnection, Worker } from '@temporalio/worker';
import * as activities from './activities';
import { address, namespace, taskQueue } from './config';

async function main(): Promise<void> {
  const connection = await NativeConnection.connect({ address });
  // `npm run bundle` writes the bundle once; without it the worker makes one at each start.
  const codePath = process.env.WORKFLOW_BUNDLE;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    ...(codePath
      ? { workflowBundle: { codePath } }
      : { workflowsPath: require.resolve('./workflows') }),
  });
  console.log(`worker on ${address}, task queue ${taskQueue}`);
  await worker.run();
  await connection.close();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
