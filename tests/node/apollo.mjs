// node apollo.mjs URL CARD MISSING_CARD NAME: Apollo Client asks for cards, by text and by hash. NAME names the
// operation that is registered, so that it is a new one.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { firstCard, print, recorder, sha256 } from './recording.mjs';

const [url, card, missing, name] = process.argv.slice(2);
const query = gql(`query ${name}($cardNo: CardNumber!) { card(cardNo: $cardNo) { maskedCardNo balance cardStatus } }`);
const withoutArguments = gql(`query ${name}Typename { __typename }`);
const byId = gql(`query ${name}ById($id: ID!) { node(id: $id) { id ... on Card { balance } } }`);
const id = await firstCard(url);

async function ask(options, documents, transport = {}) {
  const { exchanges, fetch } = recorder();
  const http = new HttpLink({ uri: url, fetch, ...transport });
  const link = options ? ApolloLink.from([new PersistedQueryLink({ sha256, ...options }), http]) : http;
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const results = [];
  for (const [document, variables] of documents) {
    const { data, error } = await client.query({
      query: document,
      variables,
      errorPolicy: 'all',
      fetchPolicy: 'network-only',
    });
    results.push({ data: data ?? null, codes: (error?.errors ?? []).map((entry) => entry.extensions.code) });
  }
  return { results, exchanges };
}

const [one, none] = [[query, { cardNo: card }], [query, { cardNo: missing }]];

print({
  text: await ask(null, [one, none]),
  first: await ask({}, [one, one]),
  second: await ask({}, [one]),
  get: await ask({ useGETForHashedQueries: true }, [[withoutArguments], [withoutArguments]]),
  getById: await ask({ useGETForHashedQueries: true }, [[byId, { id }], [byId, { id }]]),
  getText: await ask(null, [[withoutArguments], [byId, { id }]], { useGETForQueries: true }),
  getCardText: await ask(null, [one], { useGETForQueries: true }),
  getCard: await ask({ useGETForHashedQueries: true }, [one]),
});
