import { useEffect, useState } from 'react';
import { strings } from '@/strings';
import { announce } from './announce';
import css from './CopyButton.module.css';
import { Icon } from './icons';

const shownMs = 1200;

/** navigator.clipboard is only there over HTTPS and on localhost. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sk-hidden';
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

interface Props {
  text: string;
  what: string;
  className?: string | undefined;
  /** One of many in a list: reached by the pointer only, so that Tab goes from row to row. */
  inList?: boolean;
}

export function CopyButton(props: Props) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), shownMs);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      tabIndex={props.inList ? -1 : 0}
      className={`${css['copy']} ${props.className ?? ''}`}
      aria-label={strings.common.copyWhat(props.what)}
      title={strings.common.copyWhat(props.what)}
      onClick={(event) => {
        event.preventDefault();
        event.stopPropagation();
        void copyText(props.text).then(() => {
          setCopied(true);
          announce(strings.common.copied);
        });
      }}
    >
      <Icon name={copied ? 'check' : 'copy'} size={12} />
    </button>
  );
}
