/* A failure converter that puts messages and stack traces into payloads, so that the codec covers them. */
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
