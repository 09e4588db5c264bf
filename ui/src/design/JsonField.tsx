import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useId, useRef } from 'react';
import { nonce } from '@/app/config';
import css from './JsonField.module.css';

const highlight = HighlightStyle.define([
  { tag: tags.propertyName, class: css['property'] ?? '' },
  { tag: tags.string, class: css['string'] ?? '' },
  { tag: [tags.number, tags.bool, tags.null], class: css['literal'] ?? '' },
]);

interface Props {
  label: string;
  value: string;
  onChange: (text: string) => void;
  error?: string | undefined;
  hideLabel?: boolean;
}

/** A JSON text to edit. Tab leaves it, as it leaves every field. */
export function JsonField({ label, value, onChange, error, hideLabel }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const change = useRef(onChange);
  change.current = onChange;
  const first = useRef(value);
  const id = useId();
  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          history(),
          json(),
          syntaxHighlighting(highlight),
          bracketMatching(),
          closeBrackets(),
          indentOnInput(),
          EditorView.lineWrapping,
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ 'aria-labelledby': id, spellcheck: 'false' }),
          keymap.of([
            ...closeBracketsKeymap,
            ...historyKeymap,
            ...defaultKeymap.filter((k) => k.key !== 'Mod-Enter' && k.key !== 'Tab'),
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) change.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, [id]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  return (
    <div className={css['wrapper']}>
      <span id={id} className={hideLabel ? 'sk-hidden' : css['label']}>
        {label}
      </span>
      <div ref={host} className={css['field']} data-wrong={error !== undefined || undefined} />
      {error && <span className={css['error']}>{error}</span>}
    </div>
  );
}
