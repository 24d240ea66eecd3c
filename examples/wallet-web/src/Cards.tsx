import { useQuery } from "@apollo/client/react";
import { useEffect } from "react";

import { addressOf } from "./address";
import { CardFace } from "./CardFace";
import { isSignedOut } from "./errors";
import { won } from "./format";
import { Notice } from "./Notice";
import { keepCards } from "./offline";
import { MY_CARDS } from "./queries";
import { SignIn } from "./SignIn";

export function Cards() {
  const { data, previousData, error, loading, refetch } = useQuery(MY_CARDS, {
    fetchPolicy: "cache-and-network",
    // A field that failed is null, and the others are shown.
    errorPolicy: "all",
  });
  useEffect(() => {
    if (data !== undefined && error === undefined) keepCards(data);
  }, [data, error]);

  if (isSignedOut(error)) return <SignIn />;
  // Without a network, what was there before stays.
  const viewer = (data ?? previousData)?.viewer;
  const cards = viewer?.member?.cards;
  const balances = cards?.flatMap((card) => card.balance ?? []) ?? [];
  return (
    <>
      <h1>My cards</h1>
      {error && <Notice error={error} stale={Boolean(cards)} again={refetch} />}
      {loading && !cards && <p role="status">Loading your cards…</p>}
      {(viewer?.member === null || cards?.length === 0) && <p>You have no cards yet.</p>}
      {cards && cards.length > 0 && (
        <>
          {balances.length === cards.length && (
            <p className="total">
              <span>Together</span> {won(balances.reduce((sum, balance) => sum + balance))}
            </p>
          )}
          <ul className="cards">
            {cards.map((card) => (
              <li key={card.id}>
                <a href={addressOf(card.id)}>
                  <CardFace card={card} />
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
