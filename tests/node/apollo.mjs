// node apollo.mjs URL CARD MISSING_CARD NAME: Apollo Client asks for cards, by text and by hash. NAME names the
// operation that is registered, so that it is a new one.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { print, recorder, sha256 } from './recording.mjs';

const [url, card, missing, name] = process.argv.slice(2);
const query = gql(`query ${name}($cardNo: CardNumber!) { card(cardNo: $cardNo) { maskedCardNo balance cardStatus } }`);
const withoutArguments = gql(`query ${name}Typename { __typename }`);

async function ask(options, documents) {
  const { exchanges, fetch } = recorder();
  const http = new HttpLink({ uri: url, fetch });
  const link = options ? ApolloLink.from([new PersistedQueryLink({ sha256, ...options }), http]) : http;
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const results = [];
  for (const [document, cardNo] of documents) {
    const { data, error } = await client.query({
      query: document,
      variables: cardNo ? { cardNo } : {},
      errorPolicy: 'all',
      fetchPolicy: 'network-only',
    });
    results.push({ data: data ?? null, codes: (error?.errors ?? []).map((entry) => entry.extensions.code) });
  }
  return { results, exchanges };
}

print({
  text: await ask(null, [[query, card], [query, missing]]),
  first: await ask({}, [[query, card], [query, card]]),
  second: await ask({}, [[query, card]]),
  get: await ask({ useGETForHashedQueries: true }, [[withoutArguments], [withoutArguments]]),
});
