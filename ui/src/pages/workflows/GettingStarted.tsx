import { Button, SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { openAction } from '@/actions/open';
import { whyNot } from '@/actions/RunActions';
import { workersQuery } from '@/api/queues';
import { config } from '@/app/config';
import { Id } from '@/design/Id';
import { CommandLine, Fact, Facts } from '@/design/parts';
import { StateBadge } from '@/design/StateBadge';
import { stepStates, workerStates } from '@/design/states';
import { emptyStart } from '@/model/start';
import { demoCommand, type Language, snippets } from '@/model/snippets';
import { strings } from '@/strings';
import css from './GettingStarted.module.css';

const s = strings.start;
const pollMs = 2_000;

/** Comes alive with the first poll. */
function Waiting({ ns }: { ns: string }) {
  const { data } = useQuery({ ...workersQuery(ns), refetchInterval: pollMs });
  const workers = (data?.workers ?? []).filter((w) => w.alive);
  const queue = workers.flatMap((w) => w.queues ?? []).find((q) => !q.sticky)?.name ?? '';
  if (workers.length === 0)
    return (
      <div className={css['waiting']} role="status" title={s.waitingHint}>
        <StateBadge state={{ ...stepStates.scheduled, word: s.waiting }} />
      </div>
    );
  return (
    <div className={css['waiting']} role="status">
      <StateBadge state={{ ...workerStates.working, word: s.here(workers.length) }} />
      <span className="sk-dim">{s.hereHint}</span>
      {whyNot('start', true) === undefined && (
        <Button
          onClick={() => openAction({ kind: 'start', ns, like: { ...emptyStart(), taskQueue: queue } })}
        >
          {strings.actions.start}
        </Button>
      )}
    </div>
  );
}

/** What a namespace shows in which nothing ever ran. */
export function GettingStarted({ ns }: { ns: string }) {
  const [language, setLanguage] = useState<Language>('typescript');
  const target = { address: config.grpcAddress, namespace: ns };
  return (
    <div className={css['page']}>
      <div className={css['column']}>
        <h2 className={css['title']}>{s.title}</h2>
        <p className="sk-dim">{s.intro}</p>
        <Facts>
          <Fact name={s.address}>
            <Id value={target.address} what={s.address} />
          </Fact>
          <Fact name={s.namespace}>
            <Id value={ns} what={s.namespace} />
          </Fact>
        </Facts>
        <div className={css['head']}>
          <h3>{s.worker}</h3>
          <SegmentedControl
            aria-label={s.worker}
            value={language}
            onChange={(value) => setLanguage(value as Language)}
            data={Object.entries(s.languages).map(([value, label]) => ({ value, label }))}
          />
        </div>
        <CommandLine command={snippets[language](target)} what={s.copy} />
        <Waiting ns={ns} />
        <h3>{s.demo}</h3>
        <CommandLine command={demoCommand(target)} what={s.demo} />
      </div>
    </div>
  );
}
