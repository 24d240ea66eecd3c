import { useSyncExternalStore } from "react";

import { CardPage } from "./CardPage";
import { Cards } from "./Cards";
import { changeViewer } from "./client";
import { session, watchSession } from "./session";

const PREFIX = "#/cards/";

// An id gives no right and shows nothing of the card, so it may stand in an address; a card number may not.
export const addressOf = (id: string): string => PREFIX + encodeURIComponent(id);

function watchHash(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

async function signOut() {
  window.location.hash = "#/";
  await changeViewer(null);
}

export function App() {
  const hash = useSyncExternalStore(watchHash, () => window.location.hash);
  const id = hash.startsWith(PREFIX) ? decodeURIComponent(hash.slice(PREFIX.length)) : null;
  return (
    <>
      <header>
        <div>
          <a href="#/">Wallet</a>
          <button onClick={signOut}>Sign out</button>
        </div>
      </header>
      {/* The keys start each session, and each card, with a state of its own. */}
      <main key={useSyncExternalStore(watchSession, session)}>
        {id === null ? <Cards /> : <CardPage key={id} id={id} />}
      </main>
    </>
  );
}
