import { autocompletion, type Completion as Completed, type CompletionContext, completionKeymap, startCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { Compartment, EditorState, type Range, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, keymap, placeholder, WidgetType } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { nonce } from '@/app/config';
import type { Completion } from '@/model/completion';
import { conditions, tokens, without } from '@/model/query';
import { strings } from '@/strings';
import css from './QueryField.module.css';

/**
 * A filter on one line: coloured, completed, each of its conditions a chip that can be taken out, and the
 * server's objection underlined where it is. What is written counts when Enter is pressed.
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

  useEffect(() => {
    if (!host.current) return;
    const applied = () => {
      latest.current.onApply(editor.state.doc.toString().trim());
      return true;
    };
    const source = (context: CompletionContext) => {
      const { from, suggestions } = latest.current.complete(context.state.doc.toString(), context.pos);
      if (suggestions.length === 0) return null;
      return {
        from,
        validFor: /^["'`]?[\w\s.-]*$/,
        options: suggestions.map((s) => ({
          label: s.label,
          apply: s.insert ?? s.label,
          detail: s.detail ?? '',
          type: s.kind,
        })),
      };
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
          placeholder(strings.workflows.query.placeholder),
          autocompletion({ override: [source], icons: false, activateOnTyping: true, activateOnCompletion: goesOn, defaultKeymap: false, interactionDelay: 0 }),
          keymap.of([
            ...completionKeymap.filter((k) => k.key !== 'Enter'),
            {
              key: 'Tab',
              run: (v) => completionKeymap.find((k) => k.key === 'Enter')?.run?.(v) ?? false,
            },
            {
              key: 'Enter',
              run: (v) => (completionKeymap.find((k) => k.key === 'Enter')?.run?.(v) ? true : applied()),
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
          }),
          EditorView.domEventHandlers({
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
    if (!editor || editor.state.doc.toString().trim() === props.value.trim()) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: props.value } });
  }, [props.value]);

  useEffect(() => {
    view.current?.dispatch({ effects: setError.of(props.errorAt) });
  }, [props.errorAt, props.value]);

  return <div ref={host} className={css['field']} data-query-field />;
}

/** For the shortcut that goes to the filter. */
export function focusQueryField() {
  document.querySelector<HTMLElement>('[data-query-field] .cm-content')?.focus();
}
