// The panel What happened: the last request's calls, price, plan and errors.

import { update, useStore, useTop } from './store.js';

/**
 * @typedef {import('./store.js').Settings} Settings
 * @typedef {import('./store.js').Exchange} Exchange
 * @typedef {import('./store.js').CatalogEntry} CatalogEntry
 */

const CATALOG = '{ errorCatalog { code retryable meaning meaningKo advice adviceKo } }';
const h = React.createElement;

/** @param {string} endpoint */
async function loadCatalog(endpoint) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: CATALOG }),
    cache: 'no-store',
  });
  /** @type {CatalogEntry[]} */
  const entries = (await response.json()).data?.errorCatalog ?? [];
  update({ catalog: new Map(entries.map((entry) => [entry.code, entry])) });
}

/** @param {Settings} settings */
export function happenedPlugin(settings) {
  if (settings.sandbox === null) return null;

  function Content() {
    useTop();
    const { exchange, catalog } = useStore();
    const failed = exchange !== null && exchange.errors.length > 0;
    React.useEffect(() => {
      if (failed && catalog === null) void loadCatalog(settings.endpoint);
    }, [failed, catalog]);
    return h(
      'div',
      { className: 'konagraph-panel', 'aria-live': 'polite' },
      h('h2', null, 'What happened'),
      exchange === null ? h('p', null, 'Run a query to see its calls, its price and its plan.') : told(exchange, catalog),
    );
  }

  return { title: 'What happened', icon: Icon, content: Content };
}

/** @param {Exchange} exchange @param {Map<string, CatalogEntry> | null} catalog */
function told({ status, errors, trace, cost }, catalog) {
  return h(
    React.Fragment,
    null,
    h('p', null, trace ? `HTTP ${status} in ${trace.durationMs} ms` : `HTTP ${status}: refused before it was executed.`),
    trace ? calls(trace) : null,
    trace ? execution(trace, cost) : null,
    errors.length ? h('section', null, h('h3', null, 'Errors'), explained(errors, catalog)) : null,
  );
}

/** @param {import('./store.js').Trace} trace */
function calls({ upstreamCalls, savedCalls, durationMs }) {
  const end = Math.max(durationMs, ...upstreamCalls.map((call) => call.startMs + call.durationMs), 0.01);
  const many = (/** @type {number} */ count, /** @type {string} */ what) => `${count} ${what}${count === 1 ? '' : 's'}`;
  return h(
    'section',
    null,
    h('h3', null, `${many(upstreamCalls.length, 'call')} to Konaplate, ${savedCalls} saved`),
    h(
      'ol',
      { className: 'konagraph-waterfall' },
      ...upstreamCalls.map((call, place) =>
        h(
          'li',
          { key: place },
          h('span', null, call.api.replace('/api/v1/', '')),
          h(
            'svg',
            { viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': true },
            h('rect', {
              x: (100 * call.startMs) / end,
              width: Math.max((100 * call.durationMs) / end, 0.5),
              height: 4,
              className: call.outcome === 'ok' ? 'ok' : 'failed',
            }),
          ),
          h(
            'span',
            null,
            `${call.durationMs} ms after ${call.startMs}` +
              (call.outcome === 'ok' ? '' : `, ${call.outcome}`) +
              (call.attempt > 1 ? `, attempt ${call.attempt}` : ''),
          ),
        ),
      ),
    ),
  );
}

/** @param {import('./store.js').Trace} trace @param {import('./store.js').Cost} [cost] */
function execution(trace, cost) {
  const price = cost && (cost.actualQueryCost ?? cost.requestedQueryCost);
  const left = cost?.throttleStatus;
  const stored =
    trace.isStored === null
      ? 'No manifest is loaded (KONAGRAPH_DOCUMENTS), so production’s answer is not known.'
      : trace.isStored
        ? 'Yes: the manifest has it.'
        : 'Not where documents are enforced: the manifest lacks it.';
  return h(
    'dl',
    null,
    h('dt', null, 'Executed by'),
    h('dd', null, trace.executor === 'plan' ? 'a compiled plan' : 'graphql-core'),
    h('dt', null, 'Price'),
    h('dd', null, price === undefined ? 'unknown' : `${price}${left ? `; ${left.currentlyAvailable} of ${left.maximumAvailable} left` : '; no limit for this caller'}`),
    h('dt', null, 'Would production accept it?'),
    h('dd', null, stored),
    h('dt', null, 'Document id'),
    h('dd', null, trace.documentSha256 === null ? 'none: a card number stands in the text' : h('code', null, trace.documentSha256)),
  );
}

/** @param {import('./store.js').GraphQLError[]} errors @param {Map<string, CatalogEntry> | null} catalog */
function explained(errors, catalog) {
  const codes = [...new Set(errors.map((error) => error.extensions?.code ?? 'unknown'))];
  return codes.map((code) => {
    const entry = catalog?.get(code);
    const scopes = new Set(errors.flatMap((error) => error.extensions?.requiredScope ?? []));
    return h(
      'article',
      { key: code },
      h('h4', null, code),
      entry
        ? h(
            React.Fragment,
            null,
            h('p', null, entry.meaning),
            h('p', { lang: 'ko' }, entry.meaningKo),
            h('p', null, h('strong', null, 'To the user: '), entry.advice),
            h('p', { lang: 'ko' }, entry.adviceKo),
            h('p', null, entry.retryable ? 'A retry may help.' : 'The same request will fail again.'),
          )
        : null,
      code === 'FORBIDDEN' && scopes.size ? h('p', null, `Missing scope: ${[...scopes].join(', ')}`) : null,
    );
  });
}

function Icon() {
  return h(
    'svg',
    { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, 'aria-hidden': true },
    h('path', { d: 'M4 6h7M8 12h9M14 18h6' }),
  );
}
