// Starts GraphiQL. React, ReactDOM, GraphiQL and GraphiQLPluginExplorer are the globals of the npm files.

import { copyPlugin } from './copy-as.js';
import { happenedPlugin } from './happened.js';
import { makeFetcher } from './requests.js';
import { sandboxPlugin } from './sandbox.js';
import { useStore } from './store.js';

/** @type {import('./store.js').Settings} */
const settings = JSON.parse(document.getElementById('explorer-settings')?.textContent ?? '{}');

// GraphiQL's dialogs add a <style> element while they are open. The library that does it marks the element with
// this webpack name, so the policy can allow exactly that element by nonce.
Object.assign(globalThis, { __webpack_nonce__: settings.styleNonce });

// Queries, variables and headers may hold card numbers and tokens: GraphiQL gets a store that dies with the page.
function memoryStorage() {
  /** @type {Map<string, string>} */
  const items = new Map();
  return {
    get length() {
      return items.size;
    },
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {unknown} */ value) => void items.set(key, String(value)),
    removeItem: (/** @type {string} */ key) => void items.delete(key),
    clear: () => items.clear(),
  };
}

/** @param {string | null} notice */
function tell(notice) {
  const place = document.getElementById('notice');
  if (place === null) return;
  place.textContent = notice;
  place.hidden = notice === null;
}

function Logo() {
  const { role } = useStore();
  return role === null ? 'konagraph' : `konagraph as ${role}`;
}

const LABELS = {
  '.graphiql-query-editor textarea': 'Query',
  '.graphiql-editor-tool .graphiql-editor:first-child textarea': 'Variables',
  '.graphiql-editor-tool .graphiql-editor:last-child textarea': 'Headers',
  '.result-window textarea': 'Answer',
  '.graphiql-explorer-actions select': 'Kind of operation',
  '.graphiql-explorer-root input[type="text"]': 'Value',
};

// GraphiQL names none of its text areas, and nobody could scroll them by keyboard alone.
function label() {
  for (const [selector, name] of Object.entries(LABELS)) {
    for (const element of document.querySelectorAll(`${selector}:not([aria-label])`)) {
      element.setAttribute('aria-label', name);
    }
  }
  for (const element of document.querySelectorAll('.CodeMirror-scroll[tabindex="-1"], .graphiql-plugin:not([tabindex])')) {
    element.setAttribute('tabindex', '0');
  }
  // Its names of these hide what they show.
  for (const element of document.querySelectorAll('.graphiql-history-item-label[aria-label]')) {
    element.removeAttribute('aria-label');
  }
  // Its tabs hold buttons, which screen readers do not reach inside a tab.
  document.querySelector('.graphiql-tabs[role="tablist"]')?.setAttribute('role', 'group');
  for (const tab of document.querySelectorAll('.graphiql-tab')) {
    tab.setAttribute('role', 'presentation');
    tab.removeAttribute('aria-selected');
    const isActive = tab.classList.contains('graphiql-tab-active');
    tab.querySelector('.graphiql-tab-button')?.setAttribute('aria-current', String(isActive));
  }
}

const CREDENTIALS = { none: '', jwt: 'Authorization', 'api-key': 'X-Api-Key' }[settings.auth];
const PLACEHOLDER = settings.auth === 'jwt' ? 'Bearer YOUR_TOKEN' : 'YOUR_KEY';
const builder = GraphiQLPluginExplorer.explorerPlugin();
const page = React.createElement(
  GraphiQL,
  {
    fetcher: makeFetcher(settings, tell),
    storage: memoryStorage(),
    shouldPersistHeaders: false,
    plugins: [builder, sandboxPlugin(settings), happenedPlugin(settings), copyPlugin(settings)].filter(Boolean),
    // On a phone it would leave no place for the query.
    visiblePlugin: matchMedia('(min-width: 48rem)').matches ? builder : undefined,
    query: settings.query,
    variables: settings.variables,
    headers: CREDENTIALS && JSON.stringify({ [CREDENTIALS]: PLACEHOLDER }, null, 2),
    defaultQuery: '', // What a further tab starts with.
    defaultEditorToolsVisibility: CREDENTIALS ? 'headers' : settings.variables ? 'variables' : false,
  },
  React.createElement(GraphiQL.Logo, null, React.createElement(Logo)),
);
const root = document.getElementById('explorer');
if (root !== null) {
  new MutationObserver(label).observe(root, { childList: true, subtree: true, attributeFilter: ['aria-selected'] });
  ReactDOM.createRoot(root).render(page);
}
