import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import type { DocumentNode } from "graphql";

import { isSignedOut } from "./errors";
import { forgetCards, restoreCards } from "./offline";
import { forgetToken, startSession, token } from "./session";

const cache = new InMemoryCache({
  typePolicies: {
    // It has no id, so Apollo Client must be told that there is only one.
    Viewer: { merge: true },
    // Null only with an error. The list that is on the screen stays, and the error is shown above it.
    Member: { fields: { cards: { merge: (old, incoming) => incoming ?? old } } },
    Card: { fields: { transactions: relayStylePagination(["type", "from", "to"]) } },
  },
});
restoreCards(cache);

const expire = new ErrorLink(({ error }) => {
  if (isSignedOut(error)) {
    forgetToken();
    forgetCards();
  }
});

const authorize = new SetContextLink(({ headers }) => {
  const value = token();
  return value === null ? {} : { headers: { ...headers, authorization: `Bearer ${value}` } };
});

// A build sends the hash that the code generator computed, never the text: a gateway in production knows the documents
// of the manifest, and refuses all others. During development the documents change, and go as text.
const persist = new PersistedQueryLink({
  generateHash: (document: DocumentNode & { __meta__?: { hash: string } }) => document.__meta__?.hash ?? "",
  retry: () => false,
  disable: () => false,
});

export const client = new ApolloClient({
  cache,
  link: ApolloLink.from([
    expire,
    authorize,
    ...(import.meta.env.PROD ? [persist] : []),
    new HttpLink({ uri: "/graphql" }),
  ]),
});

/** Sign in with a token, or out without one: nothing of the viewer before is left. */
export async function changeViewer(newToken: string | null): Promise<void> {
  forgetToken();
  forgetCards();
  await client.clearStore();
  startSession(newToken);
}
