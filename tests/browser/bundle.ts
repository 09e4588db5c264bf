/* Bundles the workflows once for all test files: bundle.ts FILE. */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { workflowBundle } from './lib/worker.ts';

const MAP = /(sourceMappingURL=data:application\/json[^,]*,)([A-Za-z0-9+/=]+)/;

/** A file as a project knows it, without the folders of the machine that bundles. */
function named(path: string): string {
  const packages = path.lastIndexOf('node_modules/');
  return packages < 0 ? `src/${basename(path)}` : path.slice(packages);
}

/** Stack traces name files by the source map's paths: in pictures they would name this machine's folders. */
function withoutFolders(code: string): string {
  return code.replace(MAP, (_all, head: string, map: string) => {
    const parsed = JSON.parse(Buffer.from(map, 'base64').toString()) as { sources: string[] };
    parsed.sources = parsed.sources.map(named);
    return head + Buffer.from(JSON.stringify(parsed)).toString('base64');
  });
}

writeFileSync(process.argv[2]!, withoutFolders((await workflowBundle()).code));
