/** Runs that belong together, as a tree: who started whom. */

import type { Execution, ExecutionInfo } from './proto';

export interface FamilyNode {
  readonly run: ExecutionInfo;
  readonly children: FamilyNode[];
}

function key(e: Execution | undefined): string {
  return e?.workflowId ? `${e.workflowId}\n${e.runId ?? ''}` : '';
}

/**
 * Trees of runs under their parents, children in the order of their start. A run whose parent is not
 * among them (deleted, or beyond the page) stands on its own.
 */
export function familyTrees(runs: readonly ExecutionInfo[]): FamilyNode[] {
  const nodes = new Map<string, FamilyNode>();
  for (const run of runs) nodes.set(key(run.execution), { run, children: [] });
  const roots: FamilyNode[] = [];
  for (const node of nodes.values()) {
    const parent = nodes.get(key(node.run.parentExecution));
    if (parent && !isBelow(parent, node)) parent.children.push(node);
    else roots.push(node);
  }
  const order = (a: FamilyNode, b: FamilyNode): number =>
    (a.run.startTime ?? '').localeCompare(b.run.startTime ?? '');
  for (const node of nodes.values()) node.children.sort(order);
  return roots.sort(order);
}

/** Whether `node` is `under` or one of those below it: a circle, which no server should send. */
function isBelow(node: FamilyNode, under: FamilyNode): boolean {
  return node === under || under.children.some((child) => isBelow(node, child));
}

export interface FamilyRow {
  readonly node: FamilyNode;
  readonly depth: number;
}

/** The tree as rows, without what is below closed nodes. */
export function familyRows(trees: readonly FamilyNode[], closed: ReadonlySet<string>): FamilyRow[] {
  const out: FamilyRow[] = [];
  const walk = (nodes: readonly FamilyNode[], depth: number): void => {
    for (const node of nodes) {
      out.push({ node, depth });
      if (!closed.has(node.run.execution?.runId ?? '')) walk(node.children, depth + 1);
    }
  };
  walk(trees, 0);
  return out;
}

/** Whether two runs are the same one. */
export function sameRun(a: Execution | undefined, b: Execution | undefined): boolean {
  return key(a) !== '' && key(a) === key(b);
}
