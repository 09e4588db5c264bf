import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Plugin } from 'vite';

const PERMISSIVE = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD', 'OFL-1.1']);

interface Package {
  name: string;
  version: string;
  license: string;
}

/** The package folder that a bundled module came from. */
function packageFolder(module: string): string | undefined {
  const file = module.replace(/^\0/, '').replace(/\?.*$/, '');
  if (!file.includes('/node_modules/')) return undefined;
  for (let folder = dirname(file); folder.includes('/node_modules/'); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    // A package.json without a name only marks the module type of a subfolder.
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as Package).version)
      return folder;
  }
  return undefined;
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Package;
  if (!PERMISSIVE.has(license))
    throw new Error(`${name} is under "${license}", which is not on the list of kept licences`);
  const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `Licence: ${license}`;
  return `---- ${name} ${version} (${license}) ----\n\n${text}\n`;
}

/** Writes licenses.txt: the notices of exactly the packages that ended up in the bundle. */
export function licenses(): Plugin {
  return {
    name: 'skald-licenses',
    apply: 'build',
    generateBundle(_options, bundle) {
      const folders = new Set<string>();
      const assets = Object.values(bundle)
        .flatMap((file) => (file.type === 'asset' ? file.originalFileNames : [])) // fonts
        .map((name) => resolve(name));
      for (const id of [...this.getModuleIds(), ...assets]) {
        const folder = packageFolder(id);
        if (folder) folders.add(folder);
      }
      this.emitFile({
        type: 'asset',
        fileName: 'licenses.txt',
        source: [...folders].sort().map(notice).join('\n'),
      });
    },
  };
}
