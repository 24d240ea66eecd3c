import { CombinedGraphQLErrors, type ErrorLike, ServerError } from "@apollo/client";

import { ERROR_CATALOG } from "./errorCatalog";

export interface Explanation {
  readonly advice: string;
  readonly retryable: boolean;
  /** For the support, which finds the request by it. */
  readonly requestId: string | null;
}

const isKnown = (code: unknown): code is keyof typeof ERROR_CATALOG => 
  typeof code === "string" && Object.hasOwn(ERROR_CATALOG, code);

/** The extensions of the first error; null if there was no response at all. */
function extensionsOf(error: ErrorLike): Readonly<Record<string, unknown>> | null {
  if (error instanceof TypeError) return null;
  if (CombinedGraphQLErrors.is(error)) return error.errors[0]?.extensions ?? {};
  if (!ServerError.is(error)) return {};
  try {
    return JSON.parse(error.bodyText).errors[0].extensions ?? {};
  } catch {
    // A proxy's page: it cannot reach the gateway, or refuses the request.
    return error.statusCode > 501 ? { code: "OVERLOADED", retryable: true } : {};
  }
}

export const codeOf = (error: ErrorLike): unknown => extensionsOf(error)?.["code"];

/** Nothing may be shown any more, not even what the cache has: somebody else may sign in. */
export const isSignedOut = (error: ErrorLike | undefined): boolean =>
  error !== undefined && codeOf(error) === "UNAUTHENTICATED";

/**
 * What to tell the person who uses the app. New codes may come, so an unknown one reads like an error of ours.
 * `stale`: whether something is on the screen that came before the error.
 */
export function explain(error: ErrorLike, stale: boolean): Explanation {
  const extensions = extensionsOf(error);
  if (extensions === null) {
    const advice = `You seem to be offline.${stale ? " What you see may be out of date." : ""}`;
    return { advice, retryable: true, requestId: null };
  }
  const { code, requestId, retryable } = extensions;
  const entry = ERROR_CATALOG[isKnown(code) ? code : "INTERNAL_SERVER_ERROR"];
  return {
    advice: document.documentElement.lang === "ko" ? entry.adviceKo : entry.advice,
    retryable: retryable === true,
    requestId: typeof requestId === "string" ? requestId : null,
  };
}
