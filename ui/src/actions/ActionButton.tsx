import { Button, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  /** Why it cannot be pressed now. */
  why: string | undefined;
  onClick: () => void;
  filled?: boolean;
  children: ReactNode;
}

/** A button that, when it is of no use, stays in reach of keyboard and pointer and says why. */
export function ActionButton({ why, onClick, filled, children }: Props) {
  const off = why !== undefined;
  return (
    <Tooltip label={why} disabled={!off}>
      <Button
        variant={filled ? 'filled' : 'default'}
        aria-disabled={off}
        {...(off ? { 'data-disabled': true } : {})}
        onClick={(event) => {
          event.stopPropagation(); // it may stand in a row that opens
          if (!off) onClick();
        }}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
