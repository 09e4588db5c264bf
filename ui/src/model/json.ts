/**
 * JSON laid out for reading without turning it into values: numbers of any size, repeated keys and the
 * spelling of escapes stay exactly as they were sent. `JSON.parse` only says whether a text is JSON; what
 * is shown is always the text itself.
 */

/** One pass over the tokens; text must be valid JSON. Strings and numbers are copied verbatim. */
function layOut(text: string, indent: string, out: string[]): void {
  let depth = 0;
  let i = 0;
  const line = (): void => {
    out.push('\n', indent.repeat(depth));
  };
  while (i < text.length) {
    const c = text.charAt(i);
    if (c === '"') {
      const end = stringEnd(text, i);
      out.push(text.slice(i, end));
      i = end;
    } else if (c === '{' || c === '[') {
      const next = skipSpace(text, i + 1);
      const closer = text.charAt(next);
      if (closer === '}' || closer === ']') {
        out.push(c, closer);
        i = next + 1;
        continue;
      }
      depth++;
      out.push(c);
      line();
      i++;
    } else if (c === '}' || c === ']') {
      depth--;
      line();
      out.push(c);
      i++;
    } else if (c === ',') {
      out.push(c);
      line();
      i++;
    } else if (c === ':') {
      out.push(': ');
      i++;
    } else if (isSpace(c)) {
      i++;
    } else {
      const end = scalarEnd(text, i);
      out.push(text.slice(i, end));
      i = end;
    }
  }
}

function isSpace(c: string): boolean {
  return c === ' ' || c === '\n' || c === '\r' || c === '\t';
}

function skipSpace(text: string, from: number): number {
  let i = from;
  while (i < text.length && isSpace(text.charAt(i))) i++;
  return i;
}

function stringEnd(text: string, from: number): number {
  let i = from + 1;
  while (i < text.length && text.charAt(i) !== '"') i += text.charAt(i) === '\\' ? 2 : 1;
  return i + 1;
}

function scalarEnd(text: string, from: number): number {
  let i = from;
  while (i < text.length && !/[\s,:{}[\]"]/.test(text.charAt(i))) i++;
  return Math.max(i, from + 1);
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Laid out over lines; a text that is not JSON comes back as it is. */
export function prettyJson(text: string, indent = '  '): string {
  if (!isJson(text)) return text;
  const out: string[] = [];
  layOut(text, indent, out);
  return out.join('');
}

/**
 * On one line, for a preview. The text may be cut off in the middle of a value, so that a preview of a
 * large payload costs no more than what is shown.
 */
export function compactJson(text: string): string {
  let out = '';
  let i = 0;
  while (i < text.length) {
    const c = text.charAt(i);
    if (c === '"') {
      const end = Math.min(stringEnd(text, i), text.length);
      out += text.slice(i, end);
      i = end;
    } else if (isSpace(c)) {
      i++;
    } else {
      out += c === ',' || c === ':' ? c + ' ' : c;
      i++;
    }
  }
  return out.trimEnd();
}
