import { makeOperation } from "@urql/core";
import { delay, filter, fromValue, makeSubject, merge, mergeMap, pipe, takeUntil } from "wonka";

const ATTEMPTS = 3;
const LONGEST_MS = 10_000;

/** Milliseconds until the operation should be sent again; undefined if it should not. */
export function pauseOf(error, attempt) {
  if (!error || attempt >= ATTEMPTS) return undefined;
  // No response at all, or errors of which each says whether a retry may help.
  const errors = error.graphQLErrors.map(({ extensions }) => extensions);
  if (!errors.every(({ retryable }) => retryable === true)) return undefined;
  const asked = Math.max(0, ...errors.map(({ retryAfterMs }) => retryAfterMs ?? 0));
  if (asked > LONGEST_MS) return undefined;
  // Random, so that phones that failed together do not come back together.
  return asked + 200 * 2 ** attempt * (0.5 + Math.random() / 2);
}

/** Sends queries again whose errors are all `retryable`, not before `retryAfterMs`. */
export const retryExchange = ({ forward }) => (operations) => {
  const retries = makeSubject();
  const again = pipe(
    retries.source,
    mergeMap(({ operation, pause }) => {
      const ended = pipe(
        operations,
        filter(({ kind, key }) => kind === "teardown" && key === operation.key),
      );
      return pipe(fromValue(operation), delay(pause), takeUntil(ended));
    }),
  );
  return pipe(
    merge([operations, again]),
    forward,
    filter(({ error, operation }) => {
      const attempt = operation.context.attempt ?? 1;
      const pause = operation.kind === "query" ? pauseOf(error, attempt) : undefined;
      if (pause === undefined) return true;
      // Each attempt may ask for a new token, too.
      const context = { ...operation.context, attempt: attempt + 1, authAttempt: false };
      retries.next({ operation: makeOperation(operation.kind, operation, context), pause });
      return false;
    }),
  );
};
