// node urql.mjs URL CARD MISSING_CARD NAME: urql asks for cards, by text and by hash. NAME names the operation that is
// registered, so that it is a new one.
import { Client, fetchExchange, gql } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { print, recorder, sha256 } from './recording.mjs';

const [url, card, missing, name] = process.argv.slice(2);
const query = gql(`query ${name}($cardNo: CardNumber!) { card(cardNo: $cardNo) { maskedCardNo balance cardStatus } }`);
const withoutArguments = gql(`query ${name}Typename { __typename }`);

async function ask(options, documents) {
  const { exchanges, fetch } = recorder();
  const generateHash = async (text) => sha256(text);
  const persisted = options ? [persistedExchange({ generateHash, ...options })] : [];
  const client = new Client({ url, fetch, preferGetMethod: false, exchanges: [...persisted, fetchExchange] });
  const results = [];
  for (const [document, cardNo] of documents) {
    const { data, error } = await client.query(document, cardNo ? { cardNo } : {}).toPromise();
    results.push({
      data: data ?? null,
      codes: (error?.graphQLErrors ?? []).map((entry) => entry.extensions.code),
    });
  }
  return { results, exchanges };
}

print({
  text: await ask(null, [[query, card], [query, missing]]),
  first: await ask({ preferGetForPersistedQueries: false }, [[query, card], [query, card]]),
  second: await ask({ preferGetForPersistedQueries: false }, [[query, card]]),
  get: await ask({}, [[withoutArguments], [withoutArguments]]),
});
