/** Code to start with, for a server's real address and namespace. */
export type Language = 'typescript' | 'go' | 'python';

export interface Target {
  address: string;
  namespace: string;
}

const q = (text: string) => JSON.stringify(text);
const single = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

export const snippets: Record<Language, (target: Target) => string> = {
  typescript: ({ address, namespace }) => `// npm install @temporalio/worker @temporalio/workflow
import { NativeConnection, Worker } from '@temporalio/worker';

const connection = await NativeConnection.connect({ address: ${single(address)} });
const worker = await Worker.create({
  connection,
  namespace: ${single(namespace)},
  taskQueue: 'hello',
  workflowsPath: new URL('./workflows.ts', import.meta.url).pathname,
});
await worker.run();`,
  go: ({ address, namespace }) => `// go get go.temporal.io/sdk
c, err := client.Dial(client.Options{HostPort: ${q(address)}, Namespace: ${q(namespace)}})
if err != nil {
	log.Fatal(err)
}
defer c.Close()
w := worker.New(c, "hello", worker.Options{})
w.RegisterWorkflow(Hello)
log.Fatal(w.Run(worker.InterruptCh()))`,
  python: ({ address, namespace }) => `# pip install temporalio
client = await Client.connect(${q(address)}, namespace=${q(namespace)})
worker = Worker(client, task_queue="hello", workflows=[Hello])
await worker.run()`,
};

export function demoCommand({ address, namespace }: Target): string {
  const flags = [
    ...(address === '127.0.0.1:7233' ? [] : [`--address ${address}`]),
    ...(namespace === 'default' ? [] : [`--namespace ${/^[\w.-]+$/.test(namespace) ? namespace : single(namespace)}`]),
  ];
  return ['skald demo', ...flags].join(' ');
}
