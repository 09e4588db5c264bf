import { Button, FileButton } from '@mantine/core';
import { CatchBoundary } from '@tanstack/react-router';
import { useMemo, useState, type DragEvent, type ReactNode } from 'react';
import { Crash, isMissingPart } from '@/app/Crash';
import { fileObjection, importHistory, ImportError } from '@/model/export';
import type { TypeName } from '@/model/proto';
import { executionStrings } from '@/strings/execution';
import { HistoryView } from './HistoryPage';
import { InputPage } from './InputPage';
import { JsonPage } from './JsonPage';
import { CodecNotice } from './parts/CodecNotice';
import { RunContext, useRunStore, type Run } from './run';
import { RunStore } from './runStore';
import { TimelineView } from './TimelinePage';
import css from './ImportPage.module.css';
import tabs from './Tabs.module.css';

const s = executionStrings.importing;
const headBytes = 1024;

interface Opened {
  name: string;
  store: RunStore;
  /** A file may be opened again under its name, with another content. */
  number: number;
}

/** The file that was opened last; it stays while the tab does. */
let kept: Opened | undefined;

async function read(file: File): Promise<Opened> {
  const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
  const objection = fileObjection(file.size, head);
  if (objection) throw new ImportError(objection);
  const store = RunStore.ofEvents(importHistory(await file.text()));
  return { name: file.name, store, number: (kept?.number ?? 0) + 1 };
}

export function ImportPage() {
  const [opened, setOpened] = useState<Opened | undefined>(kept);
  const [reading, setReading] = useState('');
  const [failed, setFailed] = useState<{ name: string; why: string }>();
  const open = (file: File | null | undefined): void => {
    if (!file) return;
    setReading(file.name);
    setFailed(undefined);
    read(file)
      .then((next) => {
        kept = next;
        setOpened(next);
      })
      .catch((error: unknown) => setFailed({ name: file.name, why: error instanceof Error ? error.message : String(error) }))
      .finally(() => setReading(''));
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  };
  const news = (
    <>
      {reading && <p role="status">{s.reading(reading)}</p>}
      {failed && (
        <p role="alert" className={`sk-tone-red ${css['failed'] ?? ''}`}>
          {s.failed(failed.name)}: {failed.why}
        </p>
      )}
    </>
  );
  return (
    <div className={css['page']} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      {opened ? (
        <Imported key={opened.number} opened={opened} onFile={open} news={news} />
      ) : (
        <div className={css['choose']}>
          <h1>{s.title}</h1>
          <p>
            {s.text} <code>{s.command}</code>. {s.stays}
          </p>
          <div className={css['how']}>
            <Choose onFile={open} filled /> <span className="sk-dim">{s.drop}</span>
          </div>
          {news}
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
type Search = Record<string, string | undefined>;

interface ImportedProps {
  opened: Opened;
  onFile: (file: File | null) => void;
  news: ReactNode;
}

function Imported({ opened, onFile, news }: ImportedProps) {
  const { store, name } = opened;
  const state = useRunStore(store);
  const [page, setPage] = useState<Page>('timeline');
  const [search, setSearch] = useState<Search>({});
  const run = useMemo<Run>(() => {
    const openEvent = (event: number): void => {
      setPage('history');
      setSearch({ rows: 'all', event: String(event) });
    };
    return { store, state, id: undefined, fileName: name, openEvent };
  }, [store, state, name]);
  const set = (change: Search): void => setSearch((before) => ({ ...before, ...change }));
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
      {news}
      <CodecNotice />
      <nav className={tabs['tabs']} aria-label={executionStrings.tabs.label}>
        {pages.map((p) => (
          <button
            key={p}
            type="button"
            aria-current={page === p ? 'page' : undefined}
            className={`${tabs['tab']} ${css['tab']}`}
            onClick={() => {
              setPage(p);
              setSearch({});
            }}
          >
            {executionStrings.tabs[p]}
          </button>
        ))}
      </nav>
      <CatchBoundary getResetKey={() => page} errorComponent={Unreadable}>
        {page === 'timeline' && <TimelineView search={shown} set={set} />}
        {page === 'history' && <HistoryView search={shown} set={set} />}
        {page === 'input' && <InputPage />}
        {page === 'json' && <JsonPage />}
      </CatchBoundary>
    </RunContext>
  );
}

/** A file may hold anything: a field of another kind than the API's must not take the page with it. */
function Unreadable({ error }: { error: unknown }) {
  if (isMissingPart(error)) return <Crash error={error} />;
  return (
    <p role="alert" className={css['failed']}>
      {s.unreadable} <span className="sk-dim">{error instanceof Error ? error.message : String(error)}</span>
    </p>
  );
}
