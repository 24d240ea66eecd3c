import { readFileSync } from "node:fs";
import { cacheExchange, Client, fetchExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { persistedExchange } from "@urql/exchange-persisted";

import { retryExchange } from "./retry.js";
import { newToken } from "./session.js";

// The app is built with its manifest, so a phone computes no hash.
const manifest = JSON.parse(readFileSync("persisted-documents.json", "utf-8"));
const hashes = new Map(Object.entries(manifest).map(([hash, text]) => [text, hash]));

const authorize = authExchange(async ({ appendHeaders }) => {
  // Must not throw. Without a token, each operation asks for one first, and fails like one without a network.
  let token = await newToken().catch(() => null);
  return {
    addAuthToOperation: (operation) =>
      token ? appendHeaders(operation, { authorization: `Bearer ${token}` }) : operation,
    willAuthError: () => !token,
    didAuthError: (error) => error.graphQLErrors.some(({ extensions }) => extensions.code === "UNAUTHENTICATED"),
    async refreshAuth() {
      token = await newToken();
    },
  };
});

const persist = persistedExchange({
  generateHash: async (text) => hashes.get(text) ?? "",
  preferGetForPersistedQueries: false,
  // A gateway in development registers a document that it does not know; in production the text is never sent.
  enforcePersistedQueries: process.env.NODE_ENV === "production",
});

export const client = new Client({
  url: process.env.KONAGRAPH_URL ?? "http://127.0.0.1:8000/graphql",
  // urql would send GET, which production does not answer, and put the variables into the URL.
  preferGetMethod: false,
  fetch: (url, init) => {
    const timeout = AbortSignal.timeout(10_000);
    return fetch(url, { ...init, signal: init.signal ? AbortSignal.any([init.signal, timeout]) : timeout });
  },
  // The cache is in memory: nothing of a wallet is written to the phone.
  exchanges: [cacheExchange, retryExchange, authorize, persist, fetchExchange],
});
