import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';
import { asVariables, dark, fonts, light, sizes } from './tokens';

// Mantine wants ten shades; we use the tokens, and the shades only where it insists.
const same = (color: string) => Array.from({ length: 10 }, () => color) as unknown as MantineColorsTuple;

/**
 * Mantine brings behaviour (focus, keyboard, positions); how it looks is decided here. Sizes: `xs` is the
 * control of toolbars (28 px) and the default everywhere.
 */
export const theme = createTheme({
  fontFamily: fonts.text,
  fontFamilyMonospace: fonts.mono,
  fontSizes: { xs: sizes.fontSmall, sm: sizes.font, md: sizes.font, lg: sizes.fontLarge, xl: sizes.fontTitle },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.45', lg: '1.4', xl: '1.3' },
  spacing: { xs: sizes.space1, sm: sizes.space2, md: sizes.space3, lg: sizes.space4, xl: sizes.space5 },
  radius: { xs: '2px', sm: sizes.radius, md: sizes.radius, lg: '6px', xl: '8px' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
  primaryColor: 'accent',
  primaryShade: 6,
  colors: { accent: same(light.accentFill), red: same(light.redFill) },
  components: {
    Button: { defaultProps: { size: 'xs', variant: 'default' } },
    ActionIcon: { defaultProps: { size: 28, variant: 'subtle', color: 'gray' } },
    TextInput: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs', hideControls: true } },
    Select: {
      defaultProps: {
        size: 'xs',
        withCheckIcon: false,
        withScrollArea: false,
        comboboxProps: { transitionProps: { duration: 0 }, shadow: 'md' },
      },
    },
    Autocomplete: {
      defaultProps: { size: 'xs', withScrollArea: false, comboboxProps: { transitionProps: { duration: 0 }, shadow: 'md' } },
    },
    Checkbox: { defaultProps: { size: 'xs' } },
    Radio: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    SegmentedControl: { defaultProps: { size: 'xs', transitionDuration: 0 } },
    Tooltip: {
      defaultProps: { openDelay: 350, transitionProps: { duration: 0 }, withArrow: false, offset: 4 },
    },
    Menu: {
      defaultProps: {
        transitionProps: { duration: 0 },
        shadow: 'md',
        position: 'bottom-start',
        offset: 4,
        withInitialFocusPlaceholder: false, // the first item has the focus, not something unnamed
      },
    },
    Popover: { defaultProps: { transitionProps: { duration: 0 }, shadow: 'md', position: 'bottom-start', offset: 4 } },
    Modal: {
      defaultProps: {
        transitionProps: { duration: 0 },
        overlayProps: { blur: 0 },
        centered: false,
        yOffset: '8vh',
      },
    },
  },
});

const mantine = (c: typeof light): Record<string, string> => ({
  '--mantine-color-body': c.surface,
  '--mantine-color-text': c.text,
  '--mantine-color-dimmed': c.dim,
  '--mantine-color-placeholder': c.faint,
  '--mantine-color-error': c.red,
  '--mantine-color-anchor': c.accent,
  '--mantine-color-default': c.surface,
  '--mantine-color-default-hover': c.hover,
  '--mantine-color-default-color': c.text,
  '--mantine-color-default-border': c.edge,
  '--mantine-color-disabled': c.panel,
  '--mantine-color-disabled-color': c.faint,
  '--mantine-color-disabled-border': c.line,
  '--mantine-primary-color-filled': c.accentFill,
  '--mantine-primary-color-filled-hover': c.accentFillHover,
  '--mantine-primary-color-light': c.accentSoft,
  '--mantine-primary-color-light-hover': c.accentSoft,
  '--mantine-primary-color-light-color': c.accent,
  '--mantine-color-accent-filled': c.accentFill,
  '--mantine-color-accent-filled-hover': c.accentFillHover,
  '--mantine-color-accent-light': c.accentSoft,
  '--mantine-color-accent-light-hover': c.accentSoft,
  '--mantine-color-accent-light-color': c.accent,
  '--mantine-color-accent-outline': c.accent,
  '--mantine-color-red-filled': c.redFill,
  '--mantine-color-red-filled-hover': c.redFillHover,
  '--mantine-color-red-light': c.redSoft,
  '--mantine-color-red-light-hover': c.redSoft,
  '--mantine-color-red-light-color': c.red,
  '--mantine-color-gray-light-color': c.dim,
  '--mantine-color-gray-light-hover': c.hover,
  '--mantine-shadow-md': c.shadow,
  '--mantine-shadow-sm': c.shadow,
});

export const resolver: CSSVariablesResolver = () => ({
  variables: { ...asVariables(sizes), '--sk-mono': fonts.mono },
  light: { ...asVariables(light), ...mantine(light) },
  dark: { ...asVariables(dark), ...mantine(dark) },
});
