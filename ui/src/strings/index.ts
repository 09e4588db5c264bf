/**
 * Every text that the UI shows, by area. Words that vary are functions, so that another language can
 * order them its own way.
 */
import { actions } from './actions';
import { api } from './api';
import { common } from './common';
import { executionStrings as execution } from './execution';
import { home } from './home';
import { namespaces } from './namespaces';
import { queues, workers } from './queues';
import { shell } from './shell';
import { start } from './start';
import { states } from './states';
import { workflows } from './workflows';

export const strings = {
  actions,
  api,
  common,
  execution,
  home,
  namespaces,
  queues,
  shell,
  start,
  states,
  workers,
  workflows,
} as const;
