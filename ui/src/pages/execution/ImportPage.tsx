import { Button, FileButton } from '@mantine/core';
import { useMemo, useState, type DragEvent } from 'react';
import { importHistory } from '@/model/export';
import type { TypeName } from '@/model/proto';
import { executionStrings } from '@/strings/execution';
import { HistoryView } from './HistoryPage';
import { InputPage } from './InputPage';
import { JsonPage } from './JsonPage';
import { RunContext, useRunStore, type Run } from './run';
import { RunStore } from './runStore';
import { TimelineView } from './TimelinePage';
import css from './ImportPage.module.css';
import tabs from './Tabs.module.css';

const s = executionStrings.importing;

interface Opened {
  name: string;
  store: RunStore;
}

/** The file that was opened last; it stays while the tab does. */
let kept: Opened | undefined;

export function ImportPage() {
  const [opened, setOpened] = useState<Opened | undefined>(kept);
  const [failed, setFailed] = useState<{ name: string; why: string }>();
  const open = async (file: File | null | undefined): Promise<void> => {
    if (!file) return;
    try {
      kept = { name: file.name, store: RunStore.ofEvents(importHistory(await file.text())) };
      setFailed(undefined);
      setOpened(kept);
    } catch (error) {
      setFailed({ name: file.name, why: error instanceof Error ? error.message : String(error) });
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    void open(event.dataTransfer.files[0]);
  };
  return (
    <div className={css['page']} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      {opened && !failed ? (
        <Imported key={opened.name} opened={opened} onFile={(file) => void open(file)} />
      ) : (
        <div className={css['choose']}>
          <h1>{s.title}</h1>
          <p>{s.text}</p>
          <p>
            <Choose onFile={(file) => void open(file)} filled /> <span className="sk-dim">{s.drop}</span>
          </p>
          {failed && (
            <p role="alert" className="sk-tone-red">
              {s.failed(failed.name)}: {failed.why}
            </p>
          )}
        </div>
      )}
    </div>
  );
}

function Choose({ onFile, filled = false }: { onFile: (file: File | null) => void; filled?: boolean }) {
  return (
    <FileButton accept="application/json,.json,.jsonl,.txt" onChange={onFile}>
      {(props) => (
        <Button {...props} variant={filled ? 'filled' : 'default'}>
          {filled ? s.choose : s.another}
        </Button>
      )}
    </FileButton>
  );
}

type Page = 'timeline' | 'history' | 'input' | 'json';
const pages: readonly Page[] = ['timeline', 'history', 'input', 'json'];

function Imported({ opened, onFile }: { opened: Opened; onFile: (file: File | null) => void }) {
  const { store, name } = opened;
  const state = useRunStore(store);
  const run = useMemo<Run>(() => ({ store, state, id: undefined }), [store, state]);
  const [page, setPage] = useState<Page>('timeline');
  const [search, setSearch] = useState<Record<string, string | undefined>>({});
  const set = (change: Record<string, string | undefined>): void => setSearch((before) => ({ ...before, ...change }));
  const type = (state.firstEvent?.attributes['workflowType'] as TypeName | undefined)?.name;
  const shown = Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as Record<string, string>;
  return (
    <RunContext value={run}>
      <header className={css['head']}>
        <h1>{type ?? name}</h1>
        <span className="sk-dim">
          {name} · {s.events(state.log.size)} · {s.fromFile}
        </span>
        <span className={css['another']}>
          <Choose onFile={onFile} />
        </span>
      </header>
      <div className={tabs['tabs']} role="tablist" aria-label={executionStrings.tabs.label}>
        {pages.map((p) => (
          <button
            key={p}
            type="button"
            role="tab"
            aria-selected={page === p}
            className={`${tabs['tab']} ${css['tab']}`}
            onClick={() => {
              setPage(p);
              setSearch({});
            }}
          >
            {executionStrings.tabs[p]}
          </button>
        ))}
      </div>
      {page === 'timeline' && <TimelineView search={shown} set={set} />}
      {page === 'history' && <HistoryView search={shown} set={set} />}
      {page === 'input' && <InputPage />}
      {page === 'json' && <JsonPage />}
    </RunContext>
  );
}

