import { type ErrorLike, NetworkStatus } from "@apollo/client";
import { useFragment, useQuery } from "@apollo/client/react";
import { useState } from "react";

import { CardFace } from "./CardFace";
import { isSignedOut } from "./errors";
import { Notice } from "./Notice";
import { CARD_FACE, ONE_CARD } from "./queries";
import { SignIn } from "./SignIn";
import { Transactions } from "./Transactions";

export function CardPage({ id }: { id: string }) {
  // What the list of cards has brought is there at once, and without a network.
  const face = useFragment({ fragment: CARD_FACE, from: { __typename: "Card", id } });
  const { data, previousData, error, loading, networkStatus, refetch, fetchMore } = useQuery(ONE_CARD, {
    variables: { id },
    fetchPolicy: "cache-and-network",
    // The next page goes into the cache, which is no reason to ask for the first one again.
    nextFetchPolicy: "cache-first",
    // A field that failed is null, and the others are shown.
    errorPolicy: "all",
  });
  const [pageError, setPageError] = useState<ErrorLike | null>(null);
  // Without a network, what was there before stays.
  const node = (data ?? previousData)?.node;
  const transactions = node?.__typename === "Card" ? node.transactions : null;

  async function more() {
    setPageError(null);
    try {
      await fetchMore({ variables: { after: transactions?.pageInfo.endCursor ?? null } });
    } catch (failure) {
      setPageError(failure as ErrorLike);
    }
  }

  if (isSignedOut(error) || isSignedOut(pageError ?? undefined)) return <SignIn />;
  return (
    <>
      <a href="#/">‹ My cards</a>
      {face.complete && <CardFace card={face.data} />}
      <h1>Transactions</h1>
      {error && <Notice error={error} stale={face.complete} again={refetch} />}
      {loading && !transactions && <p role="status">Loading the transactions…</p>}
      {transactions && <Transactions rows={transactions.edges.map((edge) => edge.node)} />}
      {pageError && <Notice error={pageError} stale again={more} />}
      {/* A page may be short or empty: only hasNextPage says whether there is another one. */}
      {transactions?.pageInfo.hasNextPage && !pageError && (
        <button onClick={more} disabled={networkStatus === NetworkStatus.fetchMore}>
          {networkStatus === NetworkStatus.fetchMore ? "Loading more…" : "Show more"}
        </button>
      )}
    </>
  );
}
