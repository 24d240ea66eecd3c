// node urql.mjs URL CARD MISSING_CARD NAME: urql asks for cards, by text and by hash. NAME names the operation that is
// registered, so that it is a new one.
import { Client, fetchExchange, gql } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { firstCard, print, recorder, sha256 } from './recording.mjs';

const [url, card, missing, name] = process.argv.slice(2);
const query = gql(`query ${name}($cardNo: CardNumber!) { card(cardNo: $cardNo) { maskedCardNo balance cardStatus } }`);
const withoutArguments = gql(`query ${name}Typename { __typename }`);
const byId = gql(`query ${name}ById($id: ID!) { node(id: $id) { id ... on Card { balance } } }`);
const id = await firstCard(url);

async function ask(options, documents, transport = { preferGetMethod: false }) {
  const { exchanges, fetch } = recorder();
  const generateHash = async (text) => sha256(text);
  const persisted = options ? [persistedExchange({ generateHash, ...options })] : [];
  const client = new Client({ url, fetch, exchanges: [...persisted, fetchExchange], ...transport });
  const results = [];
  for (const [document, variables] of documents) {
    const { data, error } = await client.query(document, variables ?? {}).toPromise();
    results.push({
      data: data ?? null,
      codes: (error?.graphQLErrors ?? []).map((entry) => entry.extensions.code),
    });
  }
  return { results, exchanges };
}

const [one, none] = [[query, { cardNo: card }], [query, { cardNo: missing }]];

print({
  text: await ask(null, [one, none]),
  first: await ask({ preferGetForPersistedQueries: false }, [one, one]),
  second: await ask({ preferGetForPersistedQueries: false }, [one]),
  // The client's own defaults.
  get: await ask({}, [[withoutArguments], [withoutArguments]], {}),
  getById: await ask({}, [[byId, { id }], [byId, { id }]], {}),
  getText: await ask(null, [[withoutArguments], [byId, { id }]], {}),
  getCardText: await ask(null, [one], {}),
  getCard: await ask({}, [one], {}),
});
