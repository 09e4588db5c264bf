import { useRef, useState, type PointerEvent } from 'react';
import { spanWords, type Tick } from '@/model/time';
import { gapsIn, share, type TimeWindow } from '@/model/timeline';
import { executionStrings } from '@/strings/execution';
import css from './Waterfall.module.css';

const s = executionStrings.timeline;
/** A shorter drag is a click that slipped. */
const dragMinPx = 4;

interface Drag {
  fromPx: number;
  toPx: number;
  width: number;
}

/** The ticks, horizontal as text is read. A drag over them looks closer, a double click shows all. */
export function Axis(props: {
  ticks: readonly Tick[];
  view: TimeWindow;
  extent: TimeWindow;
  onWindow: (window: TimeWindow | undefined) => void;
  rows: number;
}) {
  const { ticks, view, onWindow } = props;
  const element = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<Drag>();
  const place = (event: PointerEvent): [number, number] => {
    const box = element.current?.getBoundingClientRect();
    return box ? [Math.min(Math.max(event.clientX - box.left, 0), box.width), box.width] : [0, 1];
  };
  const end = (): void => {
    setDrag(undefined);
    if (!drag || Math.abs(drag.toPx - drag.fromPx) < dragMinPx) return;
    const span = view.toMs - view.fromMs;
    const [a, b] = [Math.min(drag.fromPx, drag.toPx), Math.max(drag.fromPx, drag.toPx)];
    onWindow({ ...view, fromMs: view.fromMs + (a / drag.width) * span, toMs: view.fromMs + (b / drag.width) * span });
  };
  return (
    <div className={css['axis']}>
      <div className={css['axisName']}>{props.rows > 0 ? s.rows(props.rows) : s.noRows}</div>
      <div
        ref={element}
        className={css['ticks']}
        title={s.hint}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          const [at, width] = place(event);
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag({ fromPx: at, toPx: at, width });
        }}
        onPointerMove={(event) => drag && setDrag({ ...drag, toPx: place(event)[0] })}
        onPointerUp={end}
        onPointerCancel={() => setDrag(undefined)}
        onDoubleClick={() => onWindow(undefined)}
      >
        {ticks.map((tick) => {
          const at = share(tick.ms, view);
          return (
            <span
              key={tick.ms}
              className={css['tick']}
              data-edge={at < 0.03 ? 'left' : undefined}
              style={{ left: `${at * 100}%` }}
            >
              {tick.label}
            </span>
          );
        })}
        {gapsIn(view).map(({ gap, from, to }) => (
          <span
            key={gap.fromMs}
            className={css['gapLabel']}
            title={s.gap(spanWords(gap.toMs - gap.fromMs))}
            style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }}
          >
            {spanWords(gap.toMs - gap.fromMs)}
          </span>
        ))}
        {drag && (
          <span
            className={css['drag']}
            style={{ left: Math.min(drag.fromPx, drag.toPx), width: Math.abs(drag.toPx - drag.fromPx) }}
          />
        )}
      </div>
    </div>
  );
}
