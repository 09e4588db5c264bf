import { useSettings } from '@/app/settings';
import { agoWords } from '@/model/ago';
import { timeMs } from '@/model/proto';
import { instantWords, spanWords } from '@/model/time';
import { strings } from '@/strings';
import { useNow } from './clock';

type Instant = string | number | undefined;

const msOf = (at: Instant) => (typeof at === 'number' ? at : timeMs(at));

/** An instant: how long ago, and the time itself on hover; or as the reader set it. */
export function Time({ at }: { at: Instant }) {
  const { times } = useSettings();
  const ms = msOf(at);
  const now = useNow(times === 'relative' && Number.isFinite(ms));
  if (!Number.isFinite(ms)) return <span className="sk-dim">{strings.common.none}</span>;
  const utc = times === 'utc';
  const shown = times === 'relative' ? agoWords(ms, now) : instantWords(ms, utc, false);
  const other = times === 'relative' ? instantWords(ms) : `${instantWords(ms, utc)}, ${agoWords(ms, now)}`;
  return (
    <time dateTime={new Date(ms).toISOString()} title={other}>
      {shown}
    </time>
  );
}

/** From one instant to another, or until now and growing. */
export function Duration({ from, to }: { from: Instant; to?: Instant }) {
  const start = msOf(from);
  const end = to === undefined ? NaN : msOf(to);
  const open = !Number.isFinite(end);
  const now = useNow(open);
  if (!Number.isFinite(start)) return <span className="sk-dim">{strings.common.none}</span>;
  return <span>{spanWords(open ? wholeSeconds(Math.max(now - start, 0)) : end - start)}</span>;
}

/** What grows by the second shows no more than seconds. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
