import { json } from '@codemirror/lang-json';
import { bracketMatching, codeFolding, defaultHighlightStyle, foldGutter, foldKeymap, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { nonce } from '@/app/config';
import css from './JsonView.module.css';

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--sk-dim)' },
  { tag: tags.string, color: 'var(--sk-text)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--sk-accent)' },
]);

const look = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--sk-surface)', color: 'var(--sk-text)', fontSize: 'var(--sk-font-small)' },
  '.cm-scroller': { fontFamily: 'var(--sk-mono)', lineHeight: '18px' },
  '.cm-gutters': { backgroundColor: 'var(--sk-panel)', color: 'var(--sk-faint)', borderRight: '1px solid var(--sk-line)' },
  '.cm-foldGutter span': { color: 'var(--sk-dim)' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--sk-selected) !important' },
  '.cm-searchMatch': { backgroundColor: 'var(--sk-amber-soft)', outline: '1px solid var(--sk-mark-amber)' },
  '.cm-panels': { backgroundColor: 'var(--sk-panel)', color: 'var(--sk-text)', borderColor: 'var(--sk-line)' },
  '.cm-textfield': { backgroundColor: 'var(--sk-surface)', color: 'var(--sk-text)', border: '1px solid var(--sk-edge)' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--sk-surface)', color: 'var(--sk-text)', border: '1px solid var(--sk-edge)' },
});

/** JSON to read: numbered lines, folding, its own search since not all of it is in the page. */
export default function JsonView({ text, label }: { text: string; label: string }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current) return;
    const view = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorState.readOnly.of(true),
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
          EditorView.lineWrapping,
          lineNumbers(),
          codeFolding(),
          foldGutter(),
          bracketMatching(),
          highlightSelectionMatches(),
          search({ top: true }),
          keymap.of([...searchKeymap, ...foldKeymap]),
          json(),
          syntaxHighlighting(colours),
          syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
          look,
        ],
      }),
    });
    return () => view.destroy();
  }, [text, label]);
  return <div ref={host} className={css['view']} />;
}
