import type { ErrorLike } from "@apollo/client";

import { explain } from "./errors";

/** What went wrong, in words for the person who uses the app, and what can be done about it. */
export function Notice({ error, again }: { error: ErrorLike; again: () => Promise<unknown> }) {
  const { advice, retryable, requestId } = explain(error);
  return (
    <div role="alert">
      <p>{advice}</p>
      {/* Its error arrives as the query's own. */}
      {retryable && <button onClick={() => again().catch(() => undefined)}>Try again</button>}
      {requestId && <small>For support: {requestId}</small>}
    </div>
  );
}
