// node wallet.mjs URL ARTIFACTS: Apollo Client, urql and Relay walk through the caller's wallet, each with its
// normalised cache. ARTIFACTS is the folder that relay-compiler wrote. No document selects a full number or a
// merchant, so none belongs into a cache; only the documents `ByNumber` send a card number.
import { createRequire } from 'node:module';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { persistedExchange } from '@urql/exchange-persisted';
import { getIntrospectionQuery } from 'graphql';
import relay from 'relay-runtime';
import { post, print, recorder, sha256 } from './recording.mjs';

const [url, artifacts] = process.argv.slice(2);
const CARD = `id maskedCardNo balance cardStatus virtualAccount { maskedAccountNo bankName }`;
const HISTORY = `edges { cursor node { nrNumber trAmount approvalDateTime } } pageInfo { endCursor hasNextPage }`;
const wallet = gql(`query Wallet { viewer { member { id cards { ${CARD} product { serviceName }
  taxDeduction { isRegistered } transactions(first: 3) { ${HISTORY} } } } } }`);
const byId = gql(`query ById($id: ID!) { node(id: $id) { ... on Card { ${CARD} } } }`);
const byNumber = gql(`query ByNumber($cardNo: CardNumber!) { card(cardNo: $cardNo) { ${CARD} ownerKa } }`);
const fragment = gql(`fragment Read on Card { id maskedCardNo balance }`);

const warnings = [];
console.warn = console.error = (...words) => warnings.push(words.join(' '));
const warned = () => warnings.splice(0);

// The first result of a query that is watched, and where later ones are kept.
function watched(subscribe) {
  const seen = [];
  return new Promise((resolve) => {
    subscribe((data) => {
      seen.push(data);
      resolve(seen);
    });
  });
}

// The card in the list, and the card by its number.
const lastOf = ([list, single]) => [list.at(-1).viewer.member.cards[0], single.at(-1).card];

function apolloClient(typePolicies) {
  const { exchanges, fetch } = recorder();
  const cache = new InMemoryCache({ typePolicies });
  const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries: true });
  const byText = new HttpLink({ uri: url, fetch });
  // A card number is sent by POST.
  const link = ApolloLink.split(({ variables }) => 'cardNo' in variables, byText, persisted.concat(byText));
  return { client: new ApolloClient({ link, cache }), cache, exchanges };
}

async function apollo(cardNo) {
  const { client, cache, exchanges } = apolloClient();
  const { data } = await client.query({ query: wallet });
  const { cards } = data.viewer.member;
  const variables = { id: cards[0].id };
  const again = { query: byId, variables, fetchPolicy: 'network-only' };
  // The first one registers the document.
  await client.query(again);
  const node = await client.query(again);
  const read = cache.readFragment({ id: cache.identify(cards[0]), fragment });
  const result = { cards, node: node.data.node, read, stored: cache.extract(), exchanges, warnings: warned() };
  const merged = await apolloLoss({ Viewer: { merge: true } });
  return { ...result, twice: await apolloTwice(cardNo), lost: await apolloLoss(), merged };
}

// One card is watched by its number and in the list.
async function apolloTwice(cardNo) {
  const { client, cache, exchanges } = apolloClient();
  const watch = (options) =>
    watched((next) =>
      client.watchQuery(options).subscribe(({ data, dataState }) => dataState === 'complete' && next(data)),
    );
  const seen = await Promise.all([watch({ query: wallet }), watch({ query: byNumber, variables: { cardNo } })]);
  const entities = Object.keys(cache.extract()).filter((key) => key.startsWith('Card:'));
  client.stop();
  return { cards: lastOf(seen), entities: entities.length, requests: exchanges.length, warnings: warned() };
}

// What Apollo Client warns of: a part of an object without id replaces another part, unless its type is to be merged.
async function apolloLoss(typePolicies) {
  const { client, cache } = apolloClient(typePolicies);
  await client.query({ query: gql(`query Member { viewer { member { id } } }`) });
  await client.query({ query: gql(`query Scopes { viewer { scopes } }`) });
  return { kept: Object.keys(cache.extract().ROOT_QUERY.viewer).sort(), warnings: warned() };
}

async function urqlClient(options = {}) {
  const { exchanges, fetch } = recorder();
  const { data: schema } = await post(url, getIntrospectionQuery());
  const objects = schema.__schema.types.filter((type) => type.kind === 'OBJECT' && !type.name.startsWith('__'));
  const isNode = (type) => type.interfaces.some((each) => each.name === 'Node');
  const keys = Object.fromEntries(objects.filter((type) => !isNode(type)).map((type) => [type.name, () => null]));
  const stored = {};
  const storage = { readData: async () => ({}), writeData: async (delta) => void Object.assign(stored, delta) };
  const resolvers = { Query: { node: (_parent, { id }) => ({ __typename: 'Card', id }) } };
  const persisted = persistedExchange({ generateHash: async (text) => sha256(text), ...options });
  const used = [cacheExchange({ schema, keys, resolvers, storage }), persisted, fetchExchange];
  return { client: new Client({ url, fetch, exchanges: used }), stored, exchanges };
}

async function urql(cardNo) {
  const { client, stored, exchanges } = await urqlClient();
  const { data } = await client.query(wallet, {}).toPromise();
  const { cards } = data.viewer.member;
  const variables = { id: cards[0].id };
  const before = exchanges.length;
  const read = await client.query(byId, variables).toPromise();
  const requestsOfRead = exchanges.length - before;
  const again = () => client.query(byId, variables, { requestPolicy: 'network-only' }).toPromise();
  // The first one registers the document.
  await again();
  const node = await again();
  // The storage is written in a later turn.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const result = { cards, node: node.data.node, read: read.data.node, requestsOfRead, stored, exchanges };
  return { ...result, warnings: warned(), twice: await urqlTwice(cardNo) };
}

async function urqlTwice(cardNo) {
  // A card number is sent by POST.
  const { client, stored, exchanges } = await urqlClient({ preferGetForPersistedQueries: false });
  const watch = (...request) => watched((next) => client.query(...request).subscribe(({ data }) => next(data)));
  const seen = await Promise.all([watch(wallet, {}), watch(byNumber, { cardNo })]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const entities = new Set(Object.keys(stored).flatMap((key) => key.match(/^Card:\w+/) ?? []));
  return { cards: lastOf(seen), entities: entities.size, requests: exchanges.length, warnings: warned() };
}

async function relayStore() {
  const require = createRequire(`${artifacts}/`);
  const artifact = (name) => require(`./${name}.graphql.js`);
  const { exchanges, fetch } = recorder();
  const network = relay.Network.create(async ({ text }, variables) => {
    const body = JSON.stringify({ query: text, variables });
    return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
  });
  const store = new relay.Store(new relay.RecordSource());
  const environment = new relay.Environment({ network, store });
  const load = async (name, variables) => {
    const operation = relay.createOperationDescriptor(artifact(name), variables);
    environment.retain(operation);
    await relay.fetchQuery(environment, artifact(name), variables).toPromise();
    return environment.lookup(operation.fragment).data;
  };
  const readFragment = (name, owner) =>
    environment.lookup(relay.getSingularSelector(artifact(name), owner)).data;

  const { cards } = (await load('WalletQuery', {})).viewer.member;
  const { id } = cards[0];
  const first = readFragment('WalletTransactions_card', cards[0]).transactions;
  const refetched = (await load('WalletCardRefetchQuery', { id })).node;
  const card = readFragment('Wallet_card', refetched);
  // What `loadNext` of react-relay does.
  await load('WalletTransactionsPaginationQuery', { id, first: 5, after: first.pageInfo.endCursor });
  const both = readFragment('WalletTransactions_card', cards[0]).transactions;
  const stored = store.getSource().toJSON();
  return { cards: cards.length, id, card, first, both, stored, exchanges, warnings: warned() };
}

const { data } = await post(url, '{ viewer { member { cards { cardNo } } } }');
const [{ cardNo }] = data.viewer.member.cards;
print({ apollo: await apollo(cardNo), urql: await urql(cardNo), relay: await relayStore() });
