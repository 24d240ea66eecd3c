// What a reload without a network shows. It is on the disk of somebody's machine, so it is no more than the list of
// cards: masked numbers, product names and balances. It holds no card number, no name, no transaction and no token.
// The document MyCards is the whole list of what is kept; add to it with care.
import type { ApolloCache } from "@apollo/client";

import type { MyCardsQuery } from "./gql/graphql";
import { MY_CARDS } from "./queries";

const KEY = "wallet-cards";
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** Gone when the tab is closed. An installed app would use its operating system's encrypted storage instead. */
const storage = sessionStorage;

export function keepCards(data: MyCardsQuery): void {
  storage.setItem(KEY, JSON.stringify({ savedAt: Date.now(), data }));
}

export function forgetCards(): void {
  storage.removeItem(KEY);
}

export function restoreCards(cache: ApolloCache): void {
  const text = storage.getItem(KEY);
  if (text === null) return;
  const { savedAt, data } = JSON.parse(text) as { savedAt: number; data: MyCardsQuery };
  if (Date.now() - savedAt < MAX_AGE_MS) cache.writeQuery({ query: MY_CARDS, data });
  else forgetCards();
}
