// The token lives in memory: a script that gets into the page finds none in storage, and closing the tab forgets it.
let current: string | null = null;
let count = 0;
const watchers = new Set<() => void>();

export const token = (): string | null => current;

/** Another number for each session, so that no component takes anything from the viewer before along. */
export const session = (): number => count;

export function watchSession(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

export function startSession(newToken: string | null): void {
  current = newToken;
  count += 1;
  watchers.forEach((changed) => changed());
}

export function forgetToken(): void {
  current = null;
}
