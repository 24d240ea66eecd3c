// What an app would show: the cards, and the payments with the first one, page by page.
import { readFileSync } from "node:fs";

import { client } from "./client.js";
import { MY_CARDS, PAYMENTS } from "./documents.js";

const PAGES = 3;
const entries = JSON.parse(readFileSync(new URL("error-catalog.json", import.meta.url), "utf-8"));
const CATALOG = Object.fromEntries(entries.map((entry) => [entry.code, entry]));
const won = (amount) => (amount === null ? "unknown" : `${amount.toLocaleString("ko-KR")} won`);
const digits = (maskedCardNo) => `•••• ${maskedCardNo.slice(-4)}`;

/** Asks, and tells what failed; answers what there is. */
async function ask(document, variables) {
  const { data, error } = await client.query(document, variables).toPromise();
  if (error?.networkError) console.log("  You seem to be offline. Please try again.");
  for (const { extensions } of error?.graphQLErrors ?? []) {
    // New codes may come; an unknown one reads like an error of ours.
    const { advice } = CATALOG[extensions.code] ?? CATALOG.INTERNAL_SERVER_ERROR;
    console.log(`  ${advice} [${extensions.code}; for support: ${extensions.requestId}]`);
  }
  return data;
}

console.log("My cards");
const cards = (await ask(MY_CARDS, {}))?.viewer.member?.cards ?? [];
for (const card of cards) {
  console.log(`  ${digits(card.maskedCardNo)}  ${won(card.balance)}  ${card.product?.serviceName ?? "Prepaid card"}`);
}

const [card] = cards;
let after = null;
for (let page = 1; card && page <= PAGES; page++) {
  console.log(`Payments with ${digits(card.maskedCardNo)}, page ${page}`);
  const payments = (await ask(PAYMENTS, { id: card.id, after }))?.node?.transactions;
  for (const { approvalDateTime, merchantName, trAmount } of payments?.nodes ?? []) {
    console.log(`  ${approvalDateTime?.slice(0, 10) ?? ""}  ${won(trAmount)}  ${merchantName ?? ""}`);
  }
  // A page may be short or empty: only hasNextPage says whether there is another one.
  if (!payments?.pageInfo.hasNextPage) break;
  after = payments.pageInfo.endCursor;
}
