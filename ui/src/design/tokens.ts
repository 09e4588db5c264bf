/**
 * Every colour and size of the UI. They reach CSS as custom properties (`--sk-<name>`, theme.ts); a
 * stylesheet that writes a colour of its own is a mistake. tokens.test.ts computes the contrasts.
 */

export interface Colors {
  /** The canvas: where data stands. */
  surface: string;
  /** The one other surface: bars, table heads, panels. */
  panel: string;
  hover: string;
  selected: string;
  line: string;
  /** Edges of controls. */
  edge: string;
  text: string;
  /** Second in rank: labels, finished states, units. */
  dim: string;
  /** Third: hints, placeholders. Still readable. */
  faint: string;
  accent: string;
  accentSoft: string;
  /** Behind white text: the primary button. */
  accentFill: string;
  accentFillHover: string;
  onFill: string;
  red: string;
  redSoft: string;
  redFill: string;
  redFillHover: string;
  amber: string;
  amberSoft: string;
  /** Marks without text: bars, dots, rules in plots. */
  markNeutral: string;
  markAccent: string;
  markRed: string;
  markAmber: string;
  /** Time that something waited, in waterfalls. */
  markWait: string;
  focus: string;
  shadow: string;
}

export const light: Colors = {
  surface: '#ffffff',
  panel: '#f5f7f8',
  hover: '#eff3f5',
  selected: '#e2f0f5',
  line: '#e2e7ea',
  edge: '#c2cbd1',
  text: '#151a1e',
  dim: '#525e68',
  faint: '#5f6a74',
  accent: '#0a6480',
  accentSoft: '#e2f0f5',
  accentFill: '#0b6a86',
  accentFillHover: '#095971',
  onFill: '#ffffff',
  red: '#b3261e',
  redSoft: '#fcebe9',
  redFill: '#b3261e',
  redFillHover: '#8f1e18',
  amber: '#855300',
  amberSoft: '#fbf1dc',
  markNeutral: '#6b7680',
  markAccent: '#1183a5',
  markRed: '#cf3a30',
  markAmber: '#b97400',
  markWait: '#818c95',
  focus: '#1183a5',
  shadow: '0 1px 2px rgb(16 24 32 / 6%), 0 6px 20px rgb(16 24 32 / 12%)',
};

export const dark: Colors = {
  surface: '#101315',
  panel: '#171b1e',
  hover: '#1d2226',
  selected: '#12303a',
  line: '#252b30',
  edge: '#3b444b',
  text: '#e3e8eb',
  dim: '#a3aeb6',
  faint: '#8d98a1',
  accent: '#62c1dc',
  accentSoft: '#12303a',
  accentFill: '#15708c',
  accentFillHover: '#1a7f9e',
  onFill: '#ffffff',
  red: '#ff8b80',
  redSoft: '#3b1a18',
  redFill: '#b5352b',
  redFillHover: '#c74237',
  amber: '#e6b450',
  amberSoft: '#33270c',
  markNeutral: '#717c85',
  markAccent: '#3aa6c6',
  markRed: '#f0655a',
  markAmber: '#d89a2b',
  markWait: '#66717a',
  focus: '#62c1dc',
  shadow: '0 1px 2px rgb(0 0 0 / 40%), 0 8px 28px rgb(0 0 0 / 55%)',
};

export const sizes = {
  fontSmall: '12px', // the smallest there is
  font: '13px',
  fontLarge: '15px',
  fontTitle: '18px',
  row: '28px',
  control: '28px',
  bar: '40px',
  space1: '4px',
  space2: '8px',
  space3: '12px',
  space4: '16px',
  space5: '24px',
  radius: '4px',
} as const;

export const fonts = {
  text: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
  mono: "ui-monospace, 'SF Mono', SFMono-Regular, Menlo, 'Cascadia Mono', Consolas, 'DejaVu Sans Mono', monospace",
} as const;

const kebab = (name: string) => name.replace(/[A-Z0-9]/g, (c) => `-${c.toLowerCase()}`);

/** `{accentSoft: …}` as `{'--sk-accent-soft': …}`. */
export function asVariables(values: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`--sk-${kebab(name)}`, String(value)]),
  );
}
