import { Button, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Icon } from '@/design/icons';
import { historyFileName, historyJson } from '@/model/export';
import type { HistoryEvent } from '@/model/proto';
import { executionStrings } from '@/strings/execution';
import { useRun } from '../run';
import type { RunState } from '../runStore';

const s = executionStrings.history;

function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function allEvents(state: RunState): HistoryEvent[] {
  const out: HistoryEvent[] = [];
  for (let i = 0; i < state.log.size; i++) {
    const event = state.log.at(i);
    if (event) out.push(event.raw);
  }
  return out;
}

/** The whole history as a file; waits for what is still loading. */
export function DownloadButton() {
  const { state, id } = useRun();
  const [wanted, setWanted] = useState(false);
  const ready = state.log.complete || (state.loading === 'done' && state.log.size > 0);
  useEffect(() => {
    if (!wanted || !ready) return;
    setWanted(false);
    save(historyFileName(id?.workflowId ?? 'history', id?.runId ?? ''), historyJson(allEvents(state)));
  }, [wanted, ready, state, id]);
  return (
    <Tooltip label={s.downloadHint}>
      <Button leftSection={<Icon name="download" />} onClick={() => setWanted(true)} loading={false} disabled={wanted}>
        {wanted ? s.downloading(state.log.size, state.total) : s.download}
      </Button>
    </Tooltip>
  );
}
