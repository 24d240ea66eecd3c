// The token lives in memory: a script that gets into the page finds none in storage, and closing the tab forgets it.
let current: string | null = null;
let refused = false;
let count = 0;
const watchers = new Set<() => void>();

export const token = (): string | null => current;

/** Whether the session ended because the gateway did not accept its token. */
export const wasRefused = (): boolean => refused;

/** Another number for each session, so that no component takes anything from the viewer before along. */
export const session = (): number => count;

export function watchSession(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

export function startSession(newToken: string | null): void {
  current = newToken;
  refused = false;
  count += 1;
  watchers.forEach((changed) => changed());
}

export function forgetToken(): void {
  refused ||= current !== null;
  current = null;
}
