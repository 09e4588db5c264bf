/* Bundles the workflows once for all test files: bundle.ts FILE. */
import { writeFileSync } from 'node:fs';
import { workflowBundle } from './lib/worker.ts';

writeFileSync(process.argv[2]!, (await workflowBundle()).code);
