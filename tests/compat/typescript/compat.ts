/*
 * What an application sees of the server through the published TypeScript SDK, a test a row.
 * TEMPORAL_ADDRESS is a server with the namespace `default` and the search attributes CompatKeyword,
 * CompatInt and CompatText; COMPAT_SERVER the program that TestWorkflowEnvironment may launch.
 * The same file passes against Temporal's own dev server, which is what makes its expectations
 * facts. An argument is a regular expression over the names of the tests.
 */
import { withWorker } from './context';
import { runTests } from './harness';
import { activityTests } from './test-activities';
import { serviceTests } from './test-service';
import { workflowTests } from './test-workflows';

activityTests();
workflowTests();
serviceTests();

withWorker(() => runTests(new RegExp(process.argv[2] ?? '.'))).then(
  () => process.exit(0),
  (err) => {
    console.error(err);
    process.exit(1);
  }
);
