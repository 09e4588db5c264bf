import { Button, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Icon } from '@/design/icons';
import { saveFile } from '@/design/save-file';
import { historyFileName, historyJson } from '@/model/export';
import type { HistoryEvent } from '@/model/proto';
import { executionStrings } from '@/strings/execution';
import { useRun } from '../run';
import type { RunState } from '../runStore';

const s = executionStrings.history;

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
  const { state, id, fileName } = useRun();
  const [wanted, setWanted] = useState(false);
  const ready = state.log.complete || (state.loading === 'done' && state.log.size > 0);
  useEffect(() => {
    if (!wanted || !ready) return;
    setWanted(false);
    const name = id ? historyFileName(id.workflowId, id.runId) : (fileName ?? 'history.json');
    saveFile(name, 'application/json', historyJson(allEvents(state)));
  }, [wanted, ready, state, id, fileName]);
  return (
    <Tooltip label={s.downloadHint}>
      <Button leftSection={<Icon name="download" />} onClick={() => setWanted(true)} loading={false} disabled={wanted}>
        {wanted ? s.downloading(state.log.size, state.total) : s.download}
      </Button>
    </Tooltip>
  );
}
