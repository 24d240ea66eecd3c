import { useSyncExternalStore } from "react";

import { CardPage } from "./CardPage";
import { Cards } from "./Cards";

const PREFIX = "#/cards/";

// An id gives no right and shows nothing of the card, so it may stand in an address; a card number may not.
export const addressOf = (id: string): string => PREFIX + encodeURIComponent(id);

function watchHash(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

export function App() {
  const hash = useSyncExternalStore(watchHash, () => window.location.hash);
  const id = hash.startsWith(PREFIX) ? decodeURIComponent(hash.slice(PREFIX.length)) : null;
  return (
    <>
      <header>
        <a href="#/">Wallet</a>
      </header>
      {/* The key starts each card with a state of its own. */}
      <main>{id === null ? <Cards /> : <CardPage key={id} id={id} />}</main>
    </>
  );
}
