const names = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type CodeName = (typeof names)[number];

/** The name of a gRPC status code. */
export function codeName(code: number): CodeName {
  return names[code] ?? 'UNKNOWN';
}

export function codeOf(name: CodeName): number {
  return names.indexOf(name);
}

/** A call that failed: the server's answer, or with status 0 that there was none. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    message: string,
    /** gRPC's status code. */
    readonly code: number,
    /** HTTP's, or 0. */
    readonly status: number,
    readonly details: readonly unknown[] = [],
  ) {
    super(message);
  }

  is(name: CodeName): boolean {
    return codeName(this.code) === name;
  }
}

export function isCode(error: unknown, name: CodeName): boolean {
  return error instanceof ApiError && error.is(name);
}
