// node recipes.mjs FOLDER CARD BROKEN_CARD RETRYABLE_CARD: the recipes of docs/clients.md, which were compiled into
// FOLDER, read cards as an app would.
import { inspect } from 'node:util';
import { pathToFileURL } from 'node:url';
import { print } from './recording.mjs';

const [folder, card, missing, retryable] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const { parse } = await load('node_modules/graphql/index.js');

let exchanges = [];
const { fetch } = globalThis;
globalThis.fetch = async (url, options = {}) => {
  const response = await fetch(url, options);
  const { errors = [] } = await response.clone().json();
  exchanges.push({
    method: options.method ?? 'GET',
    number: String(url).includes('949133'),
    status: response.status,
    codes: errors.map(({ extensions }) => extensions.code),
  });
  return response;
};

const WALLET = parse(`query Wallet { viewer { member { id cards { id balance
  transactions(first: 2) { edges { node { nrNumber } } pageInfo { endCursor hasNextPage } } } } } }`);
const SCOPES = parse('query Scopes { viewer { scopes } }');
const BY_NUMBER = parse('query ByNumber($cardNo: CardNumber!) { card(cardNo: $cardNo) { id balance ownerKa } }');

// What one recipe gave: each step with its data, the codes and all that an error report could hold, and its requests.
async function walk(ask) {
  const steps = {};
  const step = async (name, ...request) => {
    exchanges = [];
    const { data, error, codes } = await ask(...request);
    steps[name] = { data: data ?? null, codes, report: inspect(error, { depth: 9, showHidden: true }), exchanges };
  };
  await step('wallet', WALLET);
  await step('scopes', SCOPES);
  await step('byNumber', BY_NUMBER, { cardNo: card });
  await step('missing', BY_NUMBER, { cardNo: missing });
  await step('retried', BY_NUMBER, { cardNo: retryable });
  return steps;
}

const { expire } = await load('session.js');
const codesOf = (errors = []) => errors.map(({ extensions }) => extensions.code);

const RECIPES = {
  async apollo() {
    const { client } = await load('apollo.js');
    const steps = await walk(async (query, variables) => {
      const { data, error } = await client.query({ query, variables });
      return { data, error, codes: codesOf(error?.errors) };
    });
    const cache = client.cache.extract();
    const cards = Object.keys(cache).filter((key) => key.startsWith('Card:')).length;
    return { ...steps, cards, viewer: Object.keys(cache.ROOT_QUERY.viewer).sort() };
  },
  async urql() {
    const { client } = await load('urql.js');
    return walk(async (query, variables = {}) => {
      const { data, error } = await client.query(query, variables).toPromise();
      return { data, error, codes: codesOf(error?.graphQLErrors) };
    });
  },
};

const warnings = [];
console.warn = console.error = (...words) => warnings.push(words.join(' '));
const found = {};
for (const [name, run] of Object.entries(RECIPES)) {
  expire();
  found[name] = await run().catch((error) => ({ failed: inspect(error) }));
  found[name].warnings = warnings.splice(0);
}
print(found);
