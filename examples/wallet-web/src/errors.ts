import { CombinedGraphQLErrors, type ErrorLike } from "@apollo/client";

import { ERROR_CATALOG } from "./errorCatalog";

export interface Explanation {
  readonly advice: string;
  readonly retryable: boolean;
  /** For the support, which finds the request by it. */
  readonly requestId: string | null;
}

const isKnown = (code: string): code is keyof typeof ERROR_CATALOG => Object.hasOwn(ERROR_CATALOG, code);

/** The code of the first error, or null if there was no GraphQL response at all. */
export function codeOf(error: ErrorLike): string | null {
  return CombinedGraphQLErrors.is(error) ? String(error.errors[0]?.extensions?.["code"]) : null;
}

/** Nothing may be shown any more, not even what the cache has: somebody else may sign in. */
export const isSignedOut = (error: ErrorLike | undefined): boolean =>
  error !== undefined && codeOf(error) === "UNAUTHENTICATED";

/** What to tell the person who uses the app. New codes may come, so an unknown one reads like an error of ours. */
export function explain(error: ErrorLike): Explanation {
  const code = codeOf(error);
  if (code === null) {
    return { advice: "You seem to be offline. What you see may be out of date.", retryable: true, requestId: null };
  }
  const extensions = CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions : undefined;
  const entry = ERROR_CATALOG[isKnown(code) ? code : "INTERNAL_SERVER_ERROR"];
  const requestId = extensions?.["requestId"];
  return {
    advice: document.documentElement.lang === "ko" ? entry.adviceKo : entry.advice,
    retryable: extensions?.["retryable"] === true,
    requestId: typeof requestId === "string" ? requestId : null,
  };
}
