// node recipes.mjs FOLDER RECIPE URL CARD MISSING_CARD RETRYABLE_CARD CARD_WITHOUT_ACCOUNT: a recipe of
// docs/clients.md, which was compiled into FOLDER, reads cards as an app would.
import { writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { pathToFileURL } from 'node:url';
import { print } from './recording.mjs';

const [folder, recipe, url, card, missing, retryable, withoutAccount] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const { parse } = await load('node_modules/graphql/index.js');

let exchanges = [];
// What stands between the client and the gateway, in its place.
let between;
const { fetch } = globalThis;
globalThis.fetch = async (address, options = {}) => {
  if (between) {
    exchanges.push({ method: options.method ?? 'GET', number: String(address).includes('949133') });
    return between(options);
  }
  const response = await fetch(address, options);
  const { errors = [] } = await response.clone().json();
  exchanges.push({
    method: options.method ?? 'GET',
    text: String(options.body).includes('"query"'),
    number: String(address).includes('949133'),
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
async function walk(steps) {
  const found = {};
  for (const [name, ask] of Object.entries(steps)) {
    exchanges = [];
    const { data, error, codes = [] } = await ask();
    found[name] = { data: data ?? null, codes, report: inspect(error, { depth: 9, showHidden: true }), exchanges };
  }
  return found;
}

// For clients that take any document.
const walkAll = (ask) =>
  walk({
    wallet: () => ask(WALLET, {}),
    scopes: () => ask(SCOPES, {}),
    ...walkCards((cardNo) => ask(BY_NUMBER, { cardNo })),
  });

const walkCards = (ask) => ({
  byNumber: () => ask(card),
  missing: () => ask(missing),
  retried: () => ask(retryable),
  offline: behind(noNetwork, () => ask(retryable)),
  badGateway: behind(() => page(502), () => ask(retryable)),
  refused: behind(() => page(403), () => ask(retryable)),
});

const noNetwork = async () => Promise.reject(new TypeError('fetch failed'));
const page = (status) =>
  new Response('<html></html>', { status, headers: { 'content-type': 'text/html' } });

const behind = (what, ask) => async () => {
  between = what;
  try {
    return await ask();
  } catch (error) {
    return { error };
  } finally {
    between = undefined;
  }
};

/** The promise of an answer that never comes, until the app or a time limit ends it. */
const silence = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

const { expire } = await load('session.js');
const codesOf = (errors = []) => errors.map(({ extensions }) => extensions.code);

async function asked(script) {
  const { card } = await load(script);
  return async (cardNo) => {
    const { errors, ...data } = await card(cardNo);
    return { data: { card: data }, codes: codesOf(errors), error: errors };
  };
}

// What Relay's plugin does in an app's build.
async function compileTags(file) {
  const { default: babel } = await load('node_modules/@babel/core/lib/index.js');
  const plugins = [['relay', { artifactDirectory: `${folder}/__generated__`, eagerEsModules: true }]];
  const { code } = babel.transformFileSync(file, { cwd: folder, plugins, babelrc: false, configFile: false });
  await writeFile(file, code.replaceAll(/(__generated__\/\w+\.graphql)(?=")/g, '$1.js'));
}

const RECIPES = {
  async apollo() {
    const { client } = await load('apollo.js');
    const steps = await walkAll(async (query, variables) => {
      const { data, error } = await client.query({ query, variables });
      return { data, error, codes: codesOf(error?.errors) };
    });
    const cache = client.cache.extract();
    const cards = Object.keys(cache).filter((key) => key.startsWith('Card:')).length;
    const { id } = steps.byNumber.data.card;
    const asked = async (query, variables = {}) => {
      const { data, error } = await client.query({ query, variables });
      return { data, codes: codesOf(error?.errors) };
    };
    const abort = new AbortController();
    const context = { fetchOptions: { signal: abort.signal } };
    const query = BY_NUMBER;
    const later = await walk({
      aborted: behind(silence, () => {
        setTimeout(() => abort.abort(), 50);
        return client.query({ query, variables: { cardNo: retryable }, context });
      }),
      balancer: behind(
        () => Response.json({ errors: [{ message: 'Busy.', extensions: { code: 'OVERLOADED' } }] }, { status: 503 }),
        () => client.query({ query, variables: { cardNo: retryable } }),
      ),
      missingAgain: () => asked(BY_NUMBER, { cardNo: missing }),
      sameUser: () => asked(SCOPES),
      nextUser: async () => {
        await client.clearStore();
        return asked(SCOPES);
      },
      uncached: () => client.query({ query, variables: { cardNo: card }, fetchPolicy: 'no-cache' }),
    });
    const numberKept = [cache, client.cache.extract()].map((each) => JSON.stringify(each).includes(card));
    const { registered } = await load('apollo-registered.js');
    const link = client.link;
    client.setLink(registered.concat(link));
    const byDigest = await walk({
      byDigest: async () => client.query({ query: WALLET, fetchPolicy: 'network-only' }),
    });
    const { persisted, APOLLO_CARD } = await load('apollo-documents.js');
    client.setLink(persisted.concat(link));
    const byHash = await walk({
      byHash: async () => client.query({ query: APOLLO_CARD, variables: { id }, fetchPolicy: 'network-only' }),
    });
    const viewer = Object.keys(cache.ROOT_QUERY.viewer).sort();
    return { ...steps, ...later, ...byDigest, ...byHash, numberKept, cards, viewer };
  },
  async relay() {
    await compileTags(`${folder}/relay.js`);
    const { wallet, environment } = await load('relay.js');
    const ask = await asked('relay.js');
    const steps = await walk({
      wallet: async () => ({ data: await wallet() }),
      ...walkCards(ask),
      withoutAccount: () => ask(withoutAccount),
    });
    return { ...steps, numberKept: JSON.stringify(environment.getStore().getSource()).includes(card) };
  },
  async request() {
    const { request, queryClient } = await load('request.js');
    const ask = (document, variables) =>
      queryClient
        .fetchQuery({ queryKey: [document], queryFn: () => request(document, variables), gcTime: 0 })
        .then((data) => ({ data }), (error) => ({ error, codes: codesOf(error.errors) }));
    const steps = await walkAll(ask);
    // What the recipe replaces.
    exchanges = [];
    const { GraphQLClient } = await load('node_modules/graphql-request/build/entrypoints/main.js');
    const headers = { authorization: `Bearer ${process.env.TOKEN}` };
    const plain = new GraphQLClient(url, { headers });
    const { message } = await plain.request(BY_NUMBER, { cardNo: missing }).catch((error) => error);
    return { ...steps, replaced: message };
  },
  async typed() {
    return walk(walkCards(await asked('typed.js')));
  },
  async tada() {
    return walk(walkCards(await asked('tada.js')));
  },
  async urql() {
    const { client } = await load('urql.js');
    return walkAll(async (query, variables) => {
      const { data, error } = await client.query(query, variables).toPromise();
      return { data, error, codes: codesOf(error?.graphQLErrors) };
    });
  },
};

const warnings = [];
console.warn = console.error = (...words) => warnings.push(words.join(' '));
expire();
const found = await RECIPES[recipe]().catch((error) => ({ failed: inspect(error) }));
print({ ...found, warnings });
