import { useQuery } from "@apollo/client/react";
import { useEffect } from "react";

import { addressOf } from "./App";
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
  const cards = (data ?? previousData)?.viewer.member?.cards;
  return (
    <>
      <h1>My cards</h1>
      {error && <Notice error={error} again={refetch} />}
      {loading && !cards && <p role="status">Loading your cards…</p>}
      {cards?.length === 0 && <p>You have no cards yet.</p>}
      {cards && cards.length > 0 && (
        <>
          <p className="total">
            <span>Together</span> {won(cards.reduce((sum, card) => sum + (card.balance ?? 0), 0))}
          </p>
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
