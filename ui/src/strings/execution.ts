/** Words of the pages of one execution. */

export const executionStrings = {
  attempt: (n: number): string => `attempt ${n}`,
  timerId: (id: string): string => (id ? `timer ${id}` : ''),
  localActivity: 'local activity',
  eventNumber: (what: string, id: number): string => `${what} of event ${id}`,
  kinds: {
    activity: 'Activity',
    timer: 'Timer',
    child: 'Child workflow',
    signal: 'Signal',
    externalSignal: 'Signal sent',
    externalCancel: 'Cancel sent',
    update: 'Update',
    marker: 'Marker',
    nexus: 'Nexus operation',
    task: 'Workflow task',
    workflow: 'Workflow',
    other: 'Event',
  },
};
