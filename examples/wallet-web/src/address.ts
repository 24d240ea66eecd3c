import { useSyncExternalStore } from "react";

const PREFIX = "#/cards/";

// An id gives no right and shows nothing of the card, so it may stand in an address; a card number may not.
export const addressOf = (id: string): string => PREFIX + encodeURIComponent(id);

function watchHash(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

/** The id of the card that the address names; null for the list. */
export function useCardId(): string | null {
  const hash = useSyncExternalStore(watchHash, () => window.location.hash);
  return hash.startsWith(PREFIX) ? decodeURIComponent(hash.slice(PREFIX.length)) : null;
}
