import { useSyncExternalStore } from "react";

import { useCardId } from "./address";
import { CardPage } from "./CardPage";
import { Cards } from "./Cards";
import { changeViewer } from "./client";
import { session, watchSession } from "./session";

async function signOut() {
  window.location.hash = "#/";
  await changeViewer(null);
}

export function App() {
  const id = useCardId();
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
