export const api = {
  title: 'HTTP API',
  find: 'Find a method',
  document: 'The OpenAPI document',
  later: 'not built yet',
  parameters: 'Parameters',
  body: 'Body',
  answer: 'Answer',
  nothing: 'No fields.',
  none: 'No method of that name',
  call: 'Call it',
  methods: 'Methods',
  service: { SkaldService: 'Skald', WorkflowService: 'Workflows', OperatorService: 'Operators' } as Record<string, string>,
} as const;
