/**
 * Call stacks as SDKs print them, taken apart far enough to read: one block a coroutine (or thread), its
 * state, and frames with the place in the source. Lines that fit no known form stay as they are.
 */

export interface Frame {
  readonly call: string;
  readonly file: string;
  readonly line: number;
  /** In the SDK or the language's own library, which a reader skips first. */
  readonly internal: boolean;
  readonly text: string;
}

export interface StackBlock {
  /** Such as `coroutine root`; "" where the stack names none. */
  readonly name: string;
  /** What it waits for, such as `blocked on selector-1.Select`. */
  readonly state: string;
  readonly frames: readonly Frame[];
}

const internals =
  /go\.temporal\.io\/sdk|\/temporalio\/|@temporalio\/|io\.temporal\.internal|node_modules|java\.base|jdk\.internal|asyncio\/|concurrent\/futures|runtime\/|node:internal/;

// Go:     main.Flow(0x0)            Java:   io.shop.Orders.run(Orders.java:42)
//         \t/src/flow.go:27 +0x1d   TS:     at run (/src/flow.ts:10:3)
//                                   Python: File "/src/flow.py", line 12, in run
const goPlace = /^\s+(\/?[^\s:]+\.go):(\d+)(?:\s+\+0x[0-9a-f]+)?$/;
const header = /^((?:coroutine|goroutine|thread|workflow|Task)\b[^[\n]*?)\s*(?:\[([^\]]*)\])?:?\s*$/i;
const tsFrame = /^\s*at\s+(?:(?:async\s+)?(.*?)\s+\()?(?:file:\/\/)?([^()\s]+?):(\d+)(?::\d+)?\)?$/;
const javaFrame = /^\s*(?:at\s+)?([\w$.<>/]+)\(([\w$]+\.(?:java|kt|scala|groovy)):(\d+)\)\s*$/;
const pythonFrame = /^\s*File "([^"]+)", line (\d+), in (.+?)\s*$/;
const dotnetFrame = /^\s*at\s+(.+?)\s+in\s+(.+?):line (\d+)\s*$/;
const rubyFrame = /^\s*(?:from\s+)?([^\s:]+\.rb):(\d+):in\s+[`'](.+?)'\s*$/;

function frame(call: string, file: string, line: string, text: string): Frame {
  return {
    call: call.trim(),
    file,
    line: Number(line),
    internal: internals.test(file) || internals.test(call),
    text,
  };
}

function oneLine(text: string): Frame | undefined {
  let m = pythonFrame.exec(text);
  if (m) return frame(m[3] ?? '', m[1] ?? '', m[2] ?? '', text);
  m = dotnetFrame.exec(text);
  if (m) return frame(m[1] ?? '', m[2] ?? '', m[3] ?? '', text);
  m = javaFrame.exec(text);
  if (m) return frame(m[1] ?? '', m[2] ?? '', m[3] ?? '', text);
  m = rubyFrame.exec(text);
  if (m) return frame(m[3] ?? '', m[1] ?? '', m[2] ?? '', text);
  m = tsFrame.exec(text);
  if (m) return frame(m[1] ?? '', m[2] ?? '', m[3] ?? '', text);
  return undefined;
}

function plain(text: string): Frame {
  return { call: text.trim(), file: '', line: 0, internal: internals.test(text) || /\(<anonymous>\)$/.test(text), text };
}

export function parseStack(text: string): StackBlock[] {
  const blocks: { name: string; state: string; frames: Frame[] }[] = [];
  let block: (typeof blocks)[number] | undefined;
  const lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line.trim() === '') {
      block = undefined;
      continue;
    }
    const head = block ? null : header.exec(line);
    if (!block) {
      block = { name: head?.[1]?.trim() ?? '', state: head?.[2] ?? '', frames: [] };
      blocks.push(block);
      if (head) continue;
    }
    const go = goPlace.exec(lines[i + 1] ?? '');
    if (go) {
      block.frames.push(frame(line, go[1] ?? '', go[2] ?? '', `${line}\n${lines[i + 1] ?? ''}`));
      i++;
      continue;
    }
    block.frames.push(oneLine(line) ?? plain(line));
  }
  return blocks;
}
