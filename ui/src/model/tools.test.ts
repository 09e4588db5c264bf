import { describe, expect, it } from 'vitest';
import { align, compareRuns } from './compare';
import { decodedJson } from './decoded';
import { cli, command, shellQuote } from './cli';
import { fileObjection, historyFileName, historyJson, ImportError, importHistory } from './export';
import { eventText, matcher, searchEvents, searchSteps } from './filter';
import { payloads, Story } from './fixtures';
import { HistoryLog } from './history';
import { jsonPayload } from './payloads';
import { durationMs, enumWords, timeMs } from './proto';
import { parseStack } from './stack';

function logOf(story: Story): HistoryLog {
  const log = new HistoryLog();
  log.add(story.events);
  return log;
}

describe('proto3 JSON', () => {
  it('keeps the fraction of a time', () => {
    expect(timeMs('2026-11-23T08:00:00.123456789Z')).toBeCloseTo(
      Date.UTC(2026, 10, 23, 8, 0, 0, 123) + 0.456789,
      3,
    );
    expect(timeMs('2026-11-23T08:00:00Z')).toBe(Date.UTC(2026, 10, 23, 8));
    expect(timeMs('2026-11-23T09:00:00+01:00')).toBe(Date.UTC(2026, 10, 23, 8));
    expect(timeMs(undefined)).toBeNaN();
  });

  it('reads durations and enums', () => {
    expect(durationMs('3.500s')).toBe(3500);
    expect(durationMs('-1s')).toBe(-1000);
    expect(durationMs('soon')).toBeNaN();
    expect(enumWords('RETRY_STATE_IN_PROGRESS', 'RETRY_STATE')).toBe('In progress');
    expect(enumWords('RETRY_STATE_UNSPECIFIED', 'RETRY_STATE')).toBe('');
  });
});

describe('filter', () => {
  const s = new Story();
  s.started({ order: 4711 });
  s.task();
  s.activity('charge', 'pay-1', { receipt: 'žluť' });
  s.schedule('ship', 'box-2');
  s.signal('approve', { by: 'ann' });
  const log = logOf(s);
  const none = { hidden: new Set<never>(), troubled: false };
  const found = (text: string) => {
    const search = searchEvents(log, { ...none, text });
    search.run(1000);
    return search.found.map((e) => e.id);
  };

  it('finds words in names, ids and payloads, in any order', () => {
    expect(found('4711')).toEqual([1]);
    expect(found('charge pay-1')).toEqual([5]);
    expect(found('ŽLUŤ')).toEqual([7]);
    expect(found('activity -charge -ship scheduled')).toEqual([]);
    expect(found('ann approve')).toEqual([9]);
  });

  it('takes an expression between slashes, and says what is wrong with one', () => {
    expect(found('/^ACTIVITY_TASK_(STARTED|COMPLETED)$/m')).toEqual([6, 7]);
    expect(found('/CHARGE/i')).toEqual([5]);
    expect(matcher('/(/').error).toContain('Unterminated group');
  });

  it('leaves out categories and what went well', () => {
    const search = searchSteps(log.steps(), {
      text: '',
      hidden: new Set(['task', 'workflow'] as const),
      troubled: false,
    });
    search.run(1000);
    expect(search.found.map((x) => x.kind)).toEqual(['activity', 'activity', 'signal']);
    const troubled = searchSteps(log.steps(), { text: '', hidden: new Set(), troubled: true });
    troubled.run(1000);
    expect(troubled.found.map((x) => x.anchor)).toEqual([8]);
    const events = searchEvents(log, { text: '', hidden: new Set(['signal'] as const), troubled: true });
    events.run(1000);
    expect(events.found.map((e) => e.id)).toEqual([8]);
  });

  it('works in slices', () => {
    const big = new Story();
    for (let i = 0; i < 1000; i++) big.signal('s' + i);
    const search = searchSteps(logOf(big).steps(), { ...none, text: 's99' });
    let now = 0;
    let slices = 0;
    while (!search.run(5, () => (now += 10))) slices++;
    expect(slices).toBeGreaterThan(10);
    expect(search.share).toBe(1);
    expect(search.found).toHaveLength(11);
  });

  it('makes the text of an event once', () => {
    expect(eventText(log.get(1)!)).toBe(eventText(log.get(1)!));
  });
});

describe('stack', () => {
  it('reads the Go SDK', () => {
    const blocks = parseStack(
      'coroutine root [blocked on selector-1.Select]:\n' +
        'shop.Order({0x1, 0x2})\n\t/src/order.go:42 +0x1d\n' +
        'go.temporal.io/sdk/internal.executeDispatcher()\n\t/go/pkg/internal/wf.go:7\n\n' +
        'coroutine 2 [blocked on chan-2.Receive]:\nshop.Order.func1()\n\t/src/order.go:50\n',
    );
    expect(blocks.map((b) => [b.name, b.state, b.frames.length])).toEqual([
      ['coroutine root', 'blocked on selector-1.Select', 2],
      ['coroutine 2', 'blocked on chan-2.Receive', 1],
    ]);
    expect(blocks[0]?.frames[0]).toMatchObject({
      call: 'shop.Order({0x1, 0x2})',
      file: '/src/order.go',
      line: 42,
      internal: false,
    });
    expect(blocks[0]?.frames[1]?.internal).toBe(true);
  });

  it('reads TypeScript, Python, Java, .NET and Ruby', () => {
    const one = (line: string) => parseStack(line)[0]?.frames[0];
    expect(one('    at run (/src/flow.ts:10:3)')).toMatchObject({ call: 'run', file: '/src/flow.ts', line: 10 });
    expect(one('    at /src/flow.ts:10:3')).toMatchObject({ call: '', line: 10 });
    expect(one('  File "/src/flow.py", line 12, in run')).toMatchObject({ call: 'run', line: 12 });
    expect(one('io.shop.Orders.run(Orders.java:42)')).toMatchObject({ file: 'Orders.java', line: 42 });
    expect(one('   at Shop.Run() in /src/Shop.cs:line 9')).toMatchObject({ call: 'Shop.Run()', line: 9 });
    expect(one("/src/shop.rb:5:in 'run'")).toMatchObject({ call: 'run', line: 5 });
  });

  it('keeps what it does not know', () => {
    expect(parseStack('something else\nentirely')[0]?.frames.map((f) => f.text)).toEqual([
      'something else',
      'entirely',
    ]);
    expect(parseStack('')).toEqual([]);
  });
});

describe('align', () => {
  it('finds a longest common subsequence', () => {
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
    for (let round = 0; round < 300; round++) {
      const a = Array.from({ length: random(14) }, () => 'abc'.charAt(random(3)));
      const b = Array.from({ length: random(14) }, () => 'abc'.charAt(random(3)));
      const pairs = align(a, b)!;
      for (const [i, j] of pairs) expect(a[i]).toBe(b[j]);
      for (let p = 1; p < pairs.length; p++) {
        expect(pairs[p]![0]).toBeGreaterThan(pairs[p - 1]![0]);
        expect(pairs[p]![1]).toBeGreaterThan(pairs[p - 1]![1]);
      }
      expect(pairs).toHaveLength(longest(a, b));
    }
  });

  it('gives up on lists that are too unlike', () => {
    expect(align(['a', 'b', 'c'], ['x', 'y', 'z'], 3)).toBeUndefined();
  });
});

function longest(a: string[], b: string[]): number {
  const best = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    let diagonal = 0;
    b.forEach((y, j) => {
      const above = best[j + 1]!;
      best[j + 1] = x === y ? diagonal + 1 : Math.max(above, best[j]!);
      diagonal = above;
    });
  }
  return best[b.length]!;
}

describe('compare', () => {
  const run = (build: (s: Story) => void) => {
    const s = new Story();
    s.started();
    build(s);
    return logOf(s).steps();
  };

  it('finds nothing between a run and its repetition, whatever the timing', () => {
    const one = run((s) => {
      s.task();
      s.activity('charge', '1');
    });
    const other = run((s) => {
      s.after(9999).task();
      s.task();
      s.activity('charge', '1');
    });
    expect(compareRuns(one, other)).toMatchObject({ first: -1, cut: false });
  });

  it('names the first step at which they part', () => {
    const one = run((s) => {
      s.activity('reserve', '1');
      s.activity('charge', '2', { paid: true });
      s.activity('ship', '3');
    });
    const other = run((s) => {
      s.activity('reserve', '1');
      s.activity('charge', '2', { paid: false }, 4);
      s.activity('refund', '3');
    });
    const { rows, first } = compareRuns(one, other);
    expect(first).toBe(2);
    expect(rows.map((r) => [r.name, r.differences])).toEqual([
      ['Workflow execution started', []],
      ['reserve', []],
      ['charge', ['result', 'attempts']],
      ['ship', ['missing']],
      ['refund', ['extra']],
    ]);
  });

  it('still pairs the ends of runs that are too unlike', () => {
    const many = (name: string) =>
      run((s) => {
        s.activity('first', '0');
        for (let i = 0; i < 600; i++) s.activity(name + i, String(i));
        s.activity('last', '9');
      });
    const { rows, cut } = compareRuns(many('a'), many('b'));
    expect(cut).toBe(true);
    expect(rows[1]).toMatchObject({ name: 'first', differences: [] });
    expect(rows.at(-1)).toMatchObject({ name: 'last', differences: [] });
  });
});

describe('command lines', () => {
  it('quotes for a shell', () => {
    expect(shellQuote('order-1')).toBe('order-1');
    expect(shellQuote('')).toBe("''");
    expect(shellQuote("it's $5")).toBe("'it'\\''s $5'");
  });

  it('says what a page does', () => {
    const e = { namespace: 'shop', workflowId: 'a b', runId: 'r', address: 'skald.example:7233' };
    expect(cli.signal(e, 'approve', ['{"by":"ann"}', '2'])).toBe(
      "temporal workflow signal \\\n    --workflow-id 'a b' \\\n    --run-id r \\\n    --name approve \\\n" +
        '    --input \'{"by":"ann"}\' \\\n    --input 2 \\\n    --namespace shop \\\n' +
        '    --address skald.example:7233',
    );
    expect(cli.terminate({ namespace: 'default', workflowId: 'x', address: 'localhost:7233' })).toBe(
      'temporal workflow terminate --workflow-id x --namespace default',
    );
    expect(command('workflow list', { namespace: 'd' }, { archived: true, limit: 0, query: '' })).toBe(
      'temporal workflow list --archived --limit 0 --namespace d',
    );
    expect(cli.activity('pause', { namespace: 'd', workflowId: 'w' }, '7')).toBe(
      'temporal activity pause \\\n    --workflow-id w \\\n    --activity-id 7 \\\n    --namespace d', // a dialog is no wider
    );
  });
});

describe('history files', () => {
  const s = new Story();
  s.started();
  s.activity('charge', '1', { paid: true });

  it('comes back as it went', () => {
    expect(importHistory(historyJson(s.events))).toEqual(s.events);
    expect(importHistory(JSON.stringify({ history: { events: s.events } }))).toEqual(s.events);
    expect(importHistory(s.events.map((e) => JSON.stringify(e)).join('\n'))).toEqual(s.events);
    expect(importHistory(JSON.stringify(s.events.toReversed()))).toEqual(s.events);
  });

  it('reads numbers, older names and snake_case', () => {
    const [event] = importHistory(
      '[{"event_id":"1","event_type":26,"workflow_execution_signaled_event_attributes":' +
        '{"signal_name":"a","input":{"payloads":[{"metadata":{"encoding_x":""},"data":"MQ=="}]},' +
        '"header":{"fields":{"my_key":{"data":""}}}}}]',
    );
    expect(event).toMatchObject({
      eventId: '1',
      eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED',
      workflowExecutionSignaledEventAttributes: {
        signalName: 'a',
        input: { payloads: [{ metadata: { encoding_x: '' } }] },
        header: { fields: { my_key: {} } },
      },
    });
    expect(importHistory('{"events":[{"eventId":3,"eventType":"TimerFired"}]}')[0]).toMatchObject({
      eventId: '3',
      eventType: 'EVENT_TYPE_TIMER_FIRED',
    });
    expect(importHistory('[{"eventId":1,"timerFiredEventAttributes":{}}]')[0]?.eventType).toBe(
      'EVENT_TYPE_TIMER_FIRED',
    );
    expect(importHistory('[{"eventId":1,"eventType":60}]')[0]?.eventType).toBe(
      'EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED',
    );
  });

  it('says what is wrong and where', () => {
    const failing = (text: string): string => {
      try {
        importHistory(text);
      } catch (error) {
        expect(error).toBeInstanceOf(ImportError);
        return (error as Error).message;
      }
      return '';
    };
    expect(failing('not json')).toContain('not');
    expect(failing('{"name":"x"}')).toBe('it holds no events; a history is {"events": […]}');
    expect(failing('[{"eventId":"x"}]')).toBe('events[0].eventId: x is not an event id');
    expect(failing('[{"eventId":1},{"eventId":3}]')).toBe('event 2 is missing, after it comes 3');
    expect(failing('[{"eventId":1},2]')).toBe('events[1]: is not an object');
  });

  it('brings payloads in shorthand back, so that what is downloaded again replays', () => {
    const [started, marker] = importHistory(
      `[{"eventId":1,"eventType":1,"workflowExecutionStartedEventAttributes":{"input":[{"a":1},"b",null],"lastFailure":null,
        "memo":{"fields":{"note":"x"}},"header":{"fields":{"raw":{"metadata":{"encoding":"YQ=="},"data":"MQ=="}}}}},
        {"eventId":2,"eventType":25,"markerRecordedEventAttributes":{"details":{"type":["ship"]}}}]`,
    );
    expect(started?.['workflowExecutionStartedEventAttributes']).toEqual({
      input: { payloads: [jsonPayload('{"a":1}'), jsonPayload('"b"'), jsonPayload('null')] },
      memo: { fields: { note: jsonPayload('"x"') } },
      header: { fields: { raw: { metadata: { encoding: 'YQ==' }, data: 'MQ==' } } },
    });
    expect(marker?.['markerRecordedEventAttributes']).toEqual({
      details: { type: { payloads: [jsonPayload('"ship"')] } },
    });
  });

  it('does not look into what is empty, too large or no text', () => {
    const head = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(fileObjection(0, head(''))).toBe('it is empty');
    expect(fileObjection(2e9, head('{'))).toBe('it has 2.0 GB, at most 268 MB are read');
    expect(fileObjection(9, head('PK\u0003\u0000'))).toMatch(/not text/);
    expect(fileObjection(9, Uint8Array.of(0x1f, 0x8b))).toMatch(/not text/);
    expect(fileObjection(9, head('{"events"'))).toBe('');
  });

  it('names the file after the run, as file systems like it', () => {
    expect(historyFileName('a/b c', 'r-1')).toBe('a-b-c_r-1.json');
    expect(historyFileName('../..', '')).toBe('_.json');
    expect(historyFileName('x'.repeat(999), 'r')).toHaveLength(185);
  });
});

it('shows payloads in place, numbers as they were sent', () => {
  const s = new Story();
  s.event('WORKFLOW_EXECUTION_SIGNALED', {
    signalName: 'a',
    input: { payloads: [jsonPayload('{"id":9007199254740993}'), { metadata: { encoding: 'YmluYXJ5L251bGw=' } }] },
    header: {},
  });
  const text = decodedJson(s.events);
  expect(text).toContain('"id": 9007199254740993');
  expect(JSON.parse(text)).toMatchObject({
    events: [
      { workflowExecutionSignaledEventAttributes: { input: { payloads: [{ id: expect.any(Number) as number }, null] }, header: {} } },
    ],
  });
});

it('keeps what a result holds', () => {
  expect(payloads(1).payloads).toHaveLength(1);
});
