// The panel Copy as: the query as a command of curl and as TypeScript.

import { played, useStore, useTop } from './store.js';

/** @typedef {import('./store.js').Settings} Settings */

const h = React.createElement;
const NUMBER = /(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?!\d)/g;

/** @param {string} text */
export const hideNumbers = (text) => text.replace(NUMBER, 'CARD_NUMBER');

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** @param {string} text */
const inTemplate = (text) => text.replace(/[\\`]|\$(?=\{)/g, '\\$&');

/**
 * The header with the caller's credentials, as a placeholder. Whoever is played has one, too.
 *
 * @param {Settings} settings
 * @param {string | null} role
 * @returns {Record<string, string>}
 */
export function credentials({ auth }, role) {
  if (auth === 'api-key') return { 'X-Api-Key': 'YOUR_KEY' };
  return auth === 'jwt' || role !== null ? { Authorization: 'Bearer YOUR_TOKEN' } : {};
}

/**
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {string} query
 * @param {unknown} variables
 */
export function asCurl(url, headers, query, variables) {
  const given = Object.entries({ 'Content-Type': 'application/json', ...headers });
  const lines = given.map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)}`);
  return [`curl ${quoted(url)}`, ...lines, `  -d ${quoted(JSON.stringify({ query, variables }))}`].join(' \\\n');
}

/**
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {string} query
 * @param {unknown} variables
 */
export function asTypeScript(url, headers, query, variables) {
  const given = JSON.stringify({ 'Content-Type': 'application/json', ...headers }, null, 2).replaceAll('\n', '\n  ');
  const values = JSON.stringify(variables, null, 2).replaceAll('\n', '\n');
  return `const query = /* GraphQL */ \`
${inTemplate(query.trim())}
\`;
const variables = ${values};

const response = await fetch(${JSON.stringify(url)}, {
  method: 'POST',
  headers: ${given},
  body: JSON.stringify({ query, variables }),
});
const { data, errors } = await response.json();
`;
}

/** @param {Settings} settings */
export function copyPlugin(settings) {
  function Content() {
    useTop();
    const { role } = useStore();
    const [isClear, setClear] = React.useState(false);
    const [query] = GraphiQL.React.useOperationsEditorState();
    const [variablesText] = GraphiQL.React.useVariablesEditorState();
    const shown = isClear ? (/** @type {string} */ text) => text : hideNumbers;
    /** @type {unknown} */
    let variables;
    try {
      variables = JSON.parse(shown(variablesText || '{}'));
    } catch {
      return h('div', { className: 'konagraph-panel' }, h('h2', null, 'Copy as'), h('p', null, 'The variables are not JSON.'));
    }
    const url = new URL(settings.endpoint, location.href).href;
    const headers = isClear && role !== null ? played() : credentials(settings, role);
    return h(
      'div',
      { className: 'konagraph-panel' },
      h('h2', null, 'Copy as'),
      h(
        'label',
        null,
        h('input', { type: 'checkbox', checked: isClear, onChange: () => setClear(!isClear) }),
        ' with its card numbers, and the token of whoever is played',
      ),
      snippet('curl', asCurl(url, headers, shown(query ?? ''), variables)),
      snippet('TypeScript', asTypeScript(url, headers, shown(query ?? ''), variables)),
    );
  }

  return { title: 'Copy as', icon: Icon, content: Content };
}

/** @param {string} title @param {string} text */
function snippet(title, text) {
  return h(
    'section',
    { key: title },
    h('h3', null, title),
    // Only pages of this machine and of HTTPS may use the clipboard.
    navigator.clipboard
      ? h('button', { type: 'button', onClick: () => void navigator.clipboard.writeText(text) }, `Copy ${title}`)
      : null,
    h('pre', { tabIndex: 0 }, text),
  );
}

function Icon() {
  return h(
    'svg',
    { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, 'aria-hidden': true },
    h('path', { d: 'M8 8l-4 4 4 4M16 8l4 4-4 4M13.5 5.5l-3 13' }),
  );
}
