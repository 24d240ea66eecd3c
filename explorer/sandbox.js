// The panel Sandbox: who asks, and what to ask for.

import { update, useStore, useTop } from './store.js';

/** @typedef {import('./store.js').Settings} Settings */

const CARD = `query Card($cardNo: CardNumber!) {
  card(cardNo: $cardNo) {
    maskedCardNo
    balance
    cardStatus
    serviceName
    member { userId }
    cashReceiptInfo { maskedIdNo }
  }
}
`;
const WALLET = `query Wallet($userId: ID!) {
  member(userId: $userId) {
    userId
    cards { maskedCardNo balance cardStatus serviceName }
  }
}
`;

const h = React.createElement;

/** @param {string} endpoint @param {string} role @returns {Promise<Record<string, string>>} */
async function headersOf(endpoint, role) {
  const response = await fetch(`${endpoint}/explorer/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(role),
    cache: 'no-store',
  });
  if (!response.ok) throw new Error(`The gateway gives no token to this page (${response.status}).`);
  return response.json();
}

/** @param {Settings} settings */
export function sandboxPlugin(settings) {
  return settings.sandbox && { title: 'Sandbox', icon: Icon, content: contentOf(settings, settings.sandbox) };
}

/** @param {Settings} settings @param {import('./store.js').Sandbox} sandbox */
function contentOf({ endpoint, roles }, sandbox) {
  return function Content() {
    useTop();
    const { role } = useStore();
    const [problem, setProblem] = React.useState(null);
    const [, setQuery] = GraphiQL.React.useOperationsEditorState();
    const [, setVariables] = GraphiQL.React.useVariablesEditorState();
    const [, setHeaders] = GraphiQL.React.useHeadersEditorState();
    const { run } = GraphiQL.React.useExecutionContext({ nonNull: true });
    const { introspect, schema } = GraphiQL.React.useSchemaContext({ nonNull: true });

    /** @param {string} name */
    async function play(name) {
      try {
        const headers = await headersOf(endpoint, name);
        setHeaders(JSON.stringify(headers, null, 2));
        update({ role: name, headers });
        setProblem(null);
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      }
      if (!schema) introspect();
    }

    /** @param {string} query @param {Record<string, string>} variables */
    function ask(query, variables) {
      setQuery(query);
      setVariables(JSON.stringify(variables, null, 2));
      run();
    }

    /** @param {import('./store.js').SandboxCard} card */
    const cardRow = (card) =>
      row(card.cardNo, card.code ? `${card.shows}: ${card.code}` : card.shows, () => ask(CARD, { cardNo: card.cardNo }));

    return h(
      'div',
      { className: 'konagraph-panel' },
      h('h2', null, 'Sandbox'),
      roles.length
        ? h(
            'section',
            null,
            h('h3', null, 'Who am I'),
            problem ? h('p', { role: 'alert' }, problem) : null,
            list(
              roles.map(({ name, is }) => row(name, is, () => void play(name), { 'aria-pressed': String(role === name) })),
            ),
          )
        : null,
      h('section', null, h('h3', null, 'Members'), list(sandbox.members.map(({ userId, shows }) => row(userId, shows, () => ask(WALLET, { userId }))))),
      h('section', null, h('h3', null, 'Cards'), list(sandbox.cards.map(cardRow))),
      h(
        'details',
        null,
        h('summary', null, `Numbers that fail (${sandbox.failures.length})`),
        list(sandbox.failures.map(cardRow)),
      ),
    );
  };
}

/** @param {unknown[]} rows */
const list = (rows) => h('ul', null, ...rows);

/**
 * @param {string} name
 * @param {string} description
 * @param {() => void} onClick
 * @param {Record<string, string>} [attributes]
 */
function row(name, description, onClick, attributes) {
  return h(
    'li',
    { key: name },
    h('button', { type: 'button', onClick, ...attributes }, name),
    h('span', null, description),
  );
}

function Icon() {
  return h(
    'svg',
    { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, 'aria-hidden': true },
    h('rect', { x: 3, y: 5.5, width: 18, height: 13, rx: 2 }),
    h('path', { d: 'M3 10h18M6.5 15h4' }),
  );
}
