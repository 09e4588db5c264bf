import type { Mark } from './states';

/** Drawn on 16 by 16, with strokes of 1.5 in the colour of the text beside them. */
const shapes = {
  // marks of states
  running: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2Z|F M8 5.4a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2Z',
  waiting: 'D M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2Z',
  retrying: 'M13 8a5 5 0 1 1-1.6-3.7|M13.2 2.2v2.9h-2.9',
  done: 'm3.2 8.6 3.1 3.1 6.5-7',
  failed: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2Z|m5.9 5.9 4.2 4.2m0-4.2-4.2 4.2',
  clock: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2Z|M8 4.8V8l2.2 1.5',
  canceled: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2Z|m4 12 8-8',
  stopped: 'M4 3h8a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Z',
  continued: 'M2.5 8h10|m9.3 4.6 3.4 3.4-3.4 3.4',
  paused: 'M5.5 3.5v9m5-9v9',
  attention: 'M8 2.4 14.2 13H1.8L8 2.4Z|M8 6.5v3m0 1.7v.1',
  idle: 'M4 8h8',
  received: 'M8 2.5v7.5m-3-3 3 3 3-3|M3 13.2h10',
  // the rest
  home: 'm2.5 7.5 5.5-5 5.5 5|M4 6.5v6.8h8V6.5',
  workflows: 'M2.5 3.5h4v3h-4zM9.5 9.5h4v3h-4z|M4.5 6.5v2a2.5 2.5 0 0 0 2.5 2.5h2.5',
  queues: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  workers: 'M3 3h10v10H3z|M6 6h4v4H6z|M6 1.2V3m4-1.8V3M6 13v1.8m4-1.8v1.8',
  settings: 'M2.5 4.5h6m3 0h2M2.5 11.5h2m3 0h6|M10 3v3M6 10v3',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z|m10.3 10.3 3.4 3.4',
  plus: 'M8 3v10M3 8h10',
  close: 'm4 4 8 8m0-8-8 8',
  down: 'm4 6 4 4 4-4',
  up: 'm4 10 4-4 4 4',
  right: 'm6 4 4 4-4 4',
  left: 'm10 4-4 4 4 4',
  copy: 'M5.5 5.5h8v8h-8z|M10.5 5.5v-3h-8v8h3',
  check: 'm3.2 8.6 3.1 3.1 6.5-7',
  order: 'M5 3v10m0 0 2.4-2.4M5 13l-2.4-2.4|M11 13V3m0 0 2.4 2.4M11 3 8.6 5.4',
  columns: 'M2.5 3h11v10h-11z|M6.2 3v10m3.6-10v10',
  download: 'M8 2.5v7.5m-3-3 3 3 3-3|M3 13.2h10',
  more: 'F M3.5 7a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2Zm4.5 0a1.1 1.1 0 1 0 0 2.2A1.1 1.1 0 0 0 8 7Zm4.5 0a1.1 1.1 0 1 0 0 2.2 1.1 1.1 0 0 0 0-2.2Z',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z|M8 1.5v1m0 11v1m6.5-6.5h-1m-11 0h-1m11.1-4.6-.7.7m-7.8 7.8-.7.7m9.2 0-.7-.7M4.1 4.1l-.7-.7',
  moon: 'M13 9.8A5.5 5.5 0 0 1 6.2 3a5.5 5.5 0 1 0 6.8 6.8Z',
  system: 'M2.5 3h11v7.5h-11z|M5.5 13.3h5',
  user: 'M8 2.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4Z|M2.8 13.5c.5-2.4 2.6-3.6 5.2-3.6s4.700 1.200 5.2 3.6',
  menu: 'M2.5 4.500h11M2.5 8h11M2.5 11.500h11',
  help: 'M6 6.200a2 2 0 1 1 2.900 1.800c-.6.3-.9.700-.9 1.300v.3m0 2.100v.1',
  bookmark: 'M4.500 2.500h7v11L8 10.800l-3.500 2.700z',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.7|M13.2 2.2v2.9h-2.900',
  external: 'M9.500 2.500h4v4m0-4L7.500 8.500|M6.500 3.500h-4v10h10v-4',
  filter: 'M2.500 3.500h11L9.500 8.300v4.200l-3-1.300V8.300z',
  link: 'M6.800 9.200a2.600 2.600 0 0 0 3.700 0l2-2a2.600 2.600 0 0 0-3.700-3.700l-.8.8|M9.200 6.800a2.600 2.600 0 0 0-3.700 0l-2 2a2.600 2.600 0 0 0 3.700 3.700l.8-.8',
  play: 'M5 3.200v9.600L12.500 8z',
  terminal: 'm3 4.500 3.500 3.500L3 11.500|M8.500 12h4.500',
  offline: 'm2.500 2.500 11 11|M3 7.500a7 7 0 0 1 2.300-1.500m2.300-.6A7.200 7.200 0 0 1 13 7.500M5.300 10a4 4 0 0 1 3.200-1m0 3.500v.1',
} satisfies Record<string, string>;

export type IconName = keyof typeof shapes;

// Marks are icons too.
const _marks: Record<Mark, string> = shapes;
void _marks;

/** Decoration: what it means is said by the text or label beside it. */
export function Icon({ name, size = 14 }: { name: IconName; size?: number }) {
  return (
    <svg className="sk-icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
      {shapes[name].split('|').map((part) => {
        const kind = /^([FD]) /.exec(part)?.[1];
        return (
          <path
            key={part}
            d={part.replace(/^[FD] /, '')}
            {...(kind === 'F' ? { fill: 'currentColor', stroke: 'none' } : {})}
            {...(kind === 'D' ? { strokeDasharray: '2.2 2.1' } : {})}
          />
        );
      })}
    </svg>
  );
}
