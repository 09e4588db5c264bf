import { Progress } from '@mantine/core';
import type { RunRef } from '@/api/actions';
import { ErrorPanel } from '@/design/parts';
import type { BulkProgress } from '@/model/bulk';
import { strings } from '@/strings';
import css from './actions.module.css';
import { type Preview, targetsMax } from './targets';
import type { BulkState } from './useBulk';

const s = strings.actions;
const failuresShown = 200;

function Failures({ progress }: { progress: BulkProgress<RunRef> }) {
  if (progress.failures.length === 0) return null;
  return (
    <ul className={css['failures']} aria-label={s.progress.failures}>
      {progress.failures.slice(0, failuresShown).map(({ item, reason }) => (
        <li key={`${item.workflowId} ${item.runId ?? ''}`}>
          <span className="sk-mono">{item.workflowId}</span>
          <span className="sk-tone-red">{reason}</span>
        </li>
      ))}
    </ul>
  );
}

/** How far it is. */
export function BulkView({ state }: { state: BulkState }) {
  if ('gathering' in state) return <p role="status">{s.progress.gathering(state.gathering)}</p>;
  const percent = state.total === 0 ? 100 : (state.done / state.total) * 100;
  const words = s.progress.done(state.done, state.total);
  return (
    <div className={css['progress']}>
      <Progress value={percent} size={6} color="accent" aria-label={words} />
      <p role="status">
        {words}
        {state.failures.length > 0 && (
          <span className="sk-tone-red"> · {s.progress.failed(state.failures.length)}</span>
        )}
        {state.finished && ` · ${state.stopped ? s.progress.stopped : s.progress.finished}`}
      </p>
      <Failures progress={state} />
    </div>
  );
}

/** What it will reach. */
export function PreviewBox({ preview }: { preview: Preview }) {
  if (preview.error) return <ErrorPanel error={preview.error} />;
  const p = s.preview;
  return (
    <div className={css['preview']}>
      <div>
        <strong>{preview.count === undefined ? p.counting : p.matches(preview.count)}</strong>
        {preview.left > 0 && <span className="sk-dim"> {p.left(preview.left)}</span>}
      </div>
      {preview.samples.length > 0 && (
        <>
          <div className="sk-dim">{p.such}</div>
          <ul className={css['samples']}>
            {preview.samples.map((id, i) => (
              <li key={i} className="sk-mono sk-ellipsis">
                {id}
              </li>
            ))}
          </ul>
        </>
      )}
      <div className="sk-dim">{(preview.count ?? 0) > targetsMax ? p.tooMany(targetsMax) : p.tab}</div>
    </div>
  );
}
