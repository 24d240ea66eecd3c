import type { ErrorLike } from "@apollo/client";

import { codeOf, explain } from "./errors";

/** What went wrong, in words for the person who uses the app, and what can be done about it. */
export function Notice({ error, stale, again }: { error: ErrorLike; stale: boolean; again: () => Promise<unknown> }) {
  const { advice, retryable, requestId } = explain(error, stale);
  return (
    <div role="alert">
      <p>{advice}</p>
      {/* Its error arrives as the query's own. */}
      {retryable && <button onClick={() => again().catch(() => undefined)}>Try again</button>}
      {codeOf(error) === "NODE_NOT_FOUND" && <a href="#/">Back to my cards</a>}
      {requestId && <small>For support: {requestId}</small>}
    </div>
  );
}
