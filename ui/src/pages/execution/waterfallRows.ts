/** Rows of the waterfall: steps, and under a child that is opened, its own. */
import { useEffect, useMemo, useReducer, useRef, useState } from 'react';
import type { Category } from '@/model/events';
import type { Step } from '@/model/history';
import type { Execution } from '@/model/proto';
import { childOf, splitLanes, type PendingIndex } from '@/model/timeline';
import { executionStrings } from '@/strings/execution';
import { useRun } from './run';
import { runStore, type RunState, type RunStore } from './runStore';
import type { Row } from './WaterfallRow';

const s = executionStrings.timeline;

type Child = Execution & { namespace: string };

export interface Children {
  rows: (steps: readonly Step[], newestFirst: boolean, hidden: ReadonlySet<Category>) => Row[];
  toggle: (key: string) => void;
}

/** Nesting deeper than this is looked at in the child's own page. */
const depthMax = 8;

/** The opened children, each with its own store while it is open. */
export function useChildren(pending: PendingIndex): Children {
  const { id } = useRun();
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set());
  const [version, changed] = useReducer((n: number) => n + 1, 0);
  const stores = useRef(new Map<string, { store: RunStore; stop: () => void }>());
  const children = useRef(new Map<string, Child>());
  const ns = id?.ns ?? '';
  useEffect(() => {
    for (const [key, { stop }] of stores.current) {
      if (opened.has(key)) continue;
      stop();
      stores.current.delete(key);
    }
    for (const key of opened) {
      const child = children.current.get(key);
      if (stores.current.has(key) || !child) continue;
      const store = runStore({
        ns: child.namespace || ns,
        workflowId: child.workflowId ?? '',
        runId: child.runId ?? '',
      });
      const leave = store.subscribe(changed);
      const release = store.use();
      const stop = (): void => {
        leave();
        release();
      };
      stores.current.set(key, { store, stop });
      changed();
    }
  }, [opened, ns]);
  useEffect(() => {
    const all = stores.current;
    return () => {
      for (const { stop } of all.values()) stop();
      all.clear();
    };
  }, []);
  return useMemo(() => {
    const add = (
      out: Row[],
      steps: readonly Step[],
      state: RunState | undefined,
      prefix: string,
      depth: number,
      options: { newestFirst: boolean; hidden: ReadonlySet<Category> },
    ): void => {
      for (let n = 0; n < steps.length; n++) {
        const step = steps[options.newestFirst ? steps.length - 1 - n : n] as Step;
        const key = prefix + step.key;
        const child = id && depth < depthMax ? childOf(step, state?.pending ?? pending) : undefined;
        const expanded = child !== undefined && opened.has(key);
        if (child) children.current.set(key, child);
        out.push({ kind: 'step', key, step, depth, state, child, expanded });
        if (!expanded) continue;
        const inner = stores.current.get(key)?.store.get();
        const note = noteOf(inner);
        if (note) out.push({ kind: 'note', key: `${key}/note`, depth: depth + 1, text: note });
        if (!inner) continue;
        const below = splitLanes(inner.log.steps(), options.hidden).rows;
        add(out, below, inner, `${key}/`, depth + 1, options);
      }
    };
    return {
      rows: (steps, newestFirst, hidden) => {
        const out: Row[] = [];
        add(out, steps, undefined, '', 0, { newestFirst, hidden });
        return out;
      },
      toggle: (key) =>
        setOpened((before) => {
          const next = new Set(before);
          if (!next.delete(key)) next.add(key);
          return next;
        }),
    };
    // `version` stands for what is in the stores.
  }, [id, opened, version, pending]);
}

function noteOf(state: RunState | undefined): string {
  const error = state?.error ?? state?.historyError;
  if (error) return s.childFailed(error instanceof Error ? error.message : String(error));
  if (!state || state.log.size === 0) return s.childLoading;
  return splitLanes(state.log.steps(), new Set()).rows.length === 0 ? s.childEmpty : '';
}
