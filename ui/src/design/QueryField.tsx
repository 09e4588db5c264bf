import {
  acceptCompletion,
  autocompletion,
  closeCompletion,
  type Completion as Completed,
  type CompletionContext,
  completionKeymap,
  currentCompletions,
  selectedCompletionIndex,
  setSelectedCompletion,
  startCompletion,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { Compartment, EditorState, type Range, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, keymap, placeholder, WidgetType } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { nonce } from '@/app/config';
import { type Completion, isHalfWritten, type Suggestion } from '@/model/completion';
import { conditions, tokens, without } from '@/model/query';
import { strings } from '@/strings';
import css from './QueryField.module.css';

/**
 * A filter on one line: coloured, completed, each of its conditions a chip that can be taken out, and the
 * server's objection underlined where it is.
 *
 * Enter takes the suggestion that is highlighted and runs the filter if none is. Arrows highlight, and so does a
 * word that is half written; a list that merely opened does not. Tab takes the same and else leaves the field.
 */
export interface QueryFieldProps {
  value: string;
  onApply: (query: string) => void;
  onEdit: (query: string) => void;
  complete: (text: string, at: number) => Completion;
  /** Where the server found the applied filter wrong. */
  errorAt?: number | undefined;
  label: string;
}

const setError = StateEffect.define<number | undefined>();

const errorField = StateField.define<number | undefined>({
  create: () => undefined,
  update: (value, tr) => {
    for (const effect of tr.effects) if (effect.is(setError)) return effect.value;
    return tr.docChanged ? undefined : value;
  },
});

class RemoveWidget extends WidgetType {
  constructor(
    readonly text: string,
    readonly from: number,
  ) {
    super();
  }

  override eq(other: RemoveWidget) {
    return other.text === this.text && other.from === this.from;
  }

  override toDOM(view: EditorView) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = css['remove'] ?? '';
    button.tabIndex = -1; // the text is the keyboard's way to do it
    button.setAttribute('aria-label', strings.workflows.query.remove(this.text));
    button.textContent = '×';
    button.onmousedown = (event) => {
      event.preventDefault();
      const now = view.state.doc.toString();
      const condition = conditions(now).find((c) => c.from === this.from);
      if (!condition) return;
      view.dispatch({ changes: { from: 0, to: now.length, insert: without(now, condition) } });
      view.contentDOM.dispatchEvent(new CustomEvent('sk-apply'));
    };
    return button;
  }

  override ignoreEvent() {
    return true;
  }
}

function decorate(state: EditorState): DecorationSet {
  const text = state.doc.toString();
  const ranges: Range<Decoration>[] = [];
  for (const c of conditions(text)) {
    ranges.push(Decoration.mark({ class: css['condition'] ?? '', inclusive: false }).range(c.from, c.to));
    ranges.push(Decoration.widget({ widget: new RemoveWidget(c.text, c.from), side: -1 }).range(c.to));
  }
  for (const token of tokens(text))
    ranges.push(Decoration.mark({ class: css[token.kind] ?? '' }).range(token.from, token.to));
  const error = state.field(errorField);
  if (error !== undefined && text.length > 0) {
    const from = Math.min(error, text.length - 1);
    const token = tokens(text).find((t) => t.from <= from && from < t.to);
    ranges.push(Decoration.mark({ class: css['wrong'] ?? '' }).range(from, Math.max(token?.to ?? 0, from + 1)));
  }
  return Decoration.set(ranges, true);
}

const decorations = StateField.define<DecorationSet>({
  create: decorate,
  update: (value, tr) =>
    tr.docChanged || tr.effects.some((e) => e.is(setError)) ? decorate(tr.state) : value,
  provide: (field) => EditorView.decorations.from(field),
});

/** What is pasted over several lines becomes one. */
const oneLine = EditorState.transactionFilter.of((tr) =>
  tr.docChanged && tr.newDoc.lines > 1
    ? [tr, { changes: [...lineBreaks(tr.newDoc.toString())], sequential: true }]
    : tr,
);

function* lineBreaks(text: string) {
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
    yield { from: at, to: at + 1, insert: ' ' };
}

/** After a column comes an operator and then a value; after a value Enter applies. */
const goesOn = (chosen: Completed) => chosen.type === 'field' || chosen.type === 'operator';

const labels = new Compartment();

export function QueryField(props: QueryFieldProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef(props);
  latest.current = props;
  /** What was applied here and has not come back as the value yet. */
  const own = useRef<string>(undefined);
  /** Completion was asked where nothing is known yet; more may come with the rows. */
  const unanswered = useRef(false);

  useEffect(() => {
    if (!host.current) return;
    const applied = () => {
      own.current = editor.state.doc.toString().trim();
      latest.current.onApply(own.current);
      return true;
    };
    const source = (context: CompletionContext) => {
      const { from, suggestions } = latest.current.complete(context.state.doc.toString(), context.pos);
      unanswered.current = suggestions.length === 0;
      if (unanswered.current) return null;
      return {
        from,
        validFor: /^([\w.-]*|["'`][^"'`]*)$/, // within one word; a space begins another question
        options: suggestions.map((s, i) => ({
          label: s.label,
          apply: s.insert ?? s.label,
          detail: s.detail ?? '',
          type: s.kind,
          boost: Math.max(-i, -99), // the catalogue's order, not the alphabet's
        })),
      };
    };
    /** What goes on from a word that is half written; what an arrow chose stays until something is written. */
    const highlight = (v: EditorView, written: boolean) => {
      const [first] = currentCompletions(v.state);
      const chosen = selectedCompletionIndex(v.state);
      if (!first || (chosen !== null && !written)) return;
      const at = v.state.selection.main.head;
      const { from } = latest.current.complete(v.state.doc.toString(), at);
      const kind = (first.type ?? 'value') as Suggestion['kind'];
      const wanted = isHalfWritten(v.state.sliceDoc(from, at), { label: first.label, kind }) ? 0 : null;
      if (wanted !== chosen) v.dispatch({ effects: setSelectedCompletion(wanted ?? -1) });
    };
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          errorField,
          decorations,
          history(),
          oneLine,
          EditorView.lineWrapping,
          placeholder(matchMedia('(max-width: 720px)').matches ? strings.workflows.query.placeholderShort : strings.workflows.query.placeholder),
          autocompletion({
            override: [source],
            icons: false,
            activateOnTyping: true,
            activateOnCompletion: goesOn,
            selectOnOpen: false,
            defaultKeymap: false,
            interactionDelay: 0,
          }),
          keymap.of([
            ...completionKeymap.filter((k) => k.key !== 'Enter'),
            { key: 'Tab', run: acceptCompletion },
            {
              key: 'Enter',
              run: (v) => {
                if (acceptCompletion(v)) return true;
                closeCompletion(v);
                return applied();
              },
            },
            {
              key: 'Escape',
              run: (v) => {
                v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: latest.current.value } });
                v.contentDOM.blur();
                return true;
              },
            },
            ...historyKeymap,
            ...defaultKeymap.filter((k) => k.key !== 'Enter' && k.key !== 'Mod-Enter'),
          ]),
          EditorView.cspNonce.of(nonce),
          labels.of(EditorView.contentAttributes.of({ 'aria-label': latest.current.label, spellcheck: 'false' })),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onEdit(update.state.doc.toString());
            queueMicrotask(() => highlight(update.view, update.docChanged));
          }),
          EditorView.domEventHandlers({
            // Chromium, typing over a selection itself, would give the new text a style that the policy forbids.
            beforeinput: (event, v) => {
              if (event.inputType !== 'insertText' || !event.data || v.state.selection.main.empty) return false;
              v.dispatch(v.state.replaceSelection(event.data), { userEvent: 'input.type' });
              event.preventDefault();
              return true;
            },
            focus: (_event, v) => {
              if (v.state.doc.length === 0) setTimeout(() => startCompletion(v));
            },
          }),
        ],
      }),
    });
    editor.contentDOM.addEventListener('sk-apply', applied);
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    const echo = own.current === props.value.trim(); // meanwhile more may have been written
    own.current = undefined;
    if (!editor || echo || editor.state.doc.toString().trim() === props.value.trim()) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: props.value } });
  }, [props.value]);

  useEffect(() => {
    const editor = view.current;
    if (!editor?.hasFocus || !unanswered.current) return;
    const known = props.complete(editor.state.doc.toString(), editor.state.selection.main.head);
    if (known.suggestions.length > 0) startCompletion(editor);
  }, [props.complete]);

  useEffect(() => {
    view.current?.dispatch({ effects: setError.of(props.errorAt) });
  }, [props.errorAt, props.value]);

  return <div ref={host} className={css['field']} data-query-field />;
}

/** For the shortcut that goes to the filter. */
export function focusQueryField() {
  document.querySelector<HTMLElement>('[data-query-field] .cm-content')?.focus();
}
