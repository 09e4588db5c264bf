import { lazy, Suspense, useMemo, useState } from 'react';
import { Checkbox } from '@mantine/core';
import { decodedJson } from '@/model/decoded';
import { payloadsIn, readings } from '@/model/payloads';
import type { HistoryEvent } from '@/model/proto';
import { strings } from '@/strings';
import { executionStrings } from '@/strings/execution';
import { useDecoding } from './parts/codec';
import { DownloadButton } from './parts/DownloadButton';
import { Progress } from './parts/Progress';
import { useRun } from './run';
import css from './HistoryPage.module.css';

const s = executionStrings.json;
const JsonView = lazy(() => import('./parts/JsonView'));

/** More than this is for the download: laying it out would hold the page up. */
const eventsMax = 1000;

/** The history as the API has it, newest events of a long one. */
export function JsonPage() {
  const { state } = useRun();
  const { log } = state;
  const [decoded, setDecoded] = useState(true);
  const last = log.last;
  const complete = log.complete || log.size >= eventsMax;
  const events = useMemo(() => {
    const out: HistoryEvent[] = [];
    for (let id = Math.max(log.first, last - eventsMax + 1); id <= last; id++) {
      const event = log.get(id);
      if (event) out.push(event.raw);
    }
    return out;
    // `complete` stands for the pages that still matter here.
  }, [log, last, complete]);
  const payloads = useMemo(() => (decoded ? payloadsIn(events) : []), [events, decoded]);
  useDecoding(() => payloads);
  const read = readings();
  const text = useMemo(
    () => (decoded ? decodedJson(events) : JSON.stringify({ events }, undefined, 2)),
    [events, decoded, read],
  );
  return (
    <div className={css['page']}>
      <div className={css['bar']}>
        <Checkbox label={s.decoded} checked={decoded} onChange={(e) => setDecoded(e.currentTarget.checked)} />
        <span className={`sk-dim ${css['keys']}`}>{s.find}</span>
        {state.total > eventsMax && <span className="sk-dim">{s.first(Math.min(log.size, eventsMax), state.total)}</span>}
        <Progress />
        <span className={css['right']}>
          <DownloadButton />
        </span>
      </div>
      <Suspense fallback={<p className={css['loading']}>{strings.common.loading}</p>}>
        {log.size > 0 && <JsonView text={text} label={s.label} />}
      </Suspense>
    </div>
  );
}
