import { expect, it } from 'vitest';
import { demoCommand, snippets } from './snippets';

const target = { address: '10.0.0.5:7300', namespace: "it's" };

it('names the address and the namespace, quoted', () => {
  expect(snippets.typescript(target)).toContain("address: '10.0.0.5:7300'");
  expect(snippets.typescript(target)).toContain("namespace: 'it\\'s'");
  expect(snippets.go(target)).toContain('Namespace: "it\'s"');
  expect(snippets.python(target)).toContain('connect("10.0.0.5:7300"');
});

it('shows the demo with the flags that it needs', () => {
  expect(demoCommand({ address: '127.0.0.1:7233', namespace: 'default' })).toBe('skald demo');
  expect(demoCommand({ address: 'h:1', namespace: 'shop' })).toBe('skald demo --address h:1 --namespace shop');
});
