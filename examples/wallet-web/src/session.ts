// The token lives in memory: a script that gets into the page finds none in storage, and closing the tab forgets it.
let current: string | null = null;

export const token = (): string | null => current;

export function setToken(value: string): void {
  current = value;
}

export function forgetToken(): void {
  current = null;
}
