// Checks the parts of the explorer's script that need no browser. Prints what they return as JSON.
globalThis.React = { createElement: () => null };
const { asCurl, asTypeScript, credentials, hideNumbers } = await import('../../explorer/copy-as.js');
const { foreignNumber, noSchemaBecause } = await import('../../explorer/requests.js');

const { texts, snippets, refusals } = JSON.parse(process.argv[2]);
const exchange = (code) => ({ status: 400, errors: [{ message: '', extensions: { code } }] });
console.log(
  JSON.stringify({
    foreign: texts.map((text) => foreignNumber(text, '94913394')),
    hidden: texts.map(hideNumbers),
    curl: snippets.map(([query, variables]) => asCurl('http://x/graphql', { 'X-Api-Key': "it's" }, query, variables)),
    typescript: snippets.map(([query, variables]) => asTypeScript('http://x/graphql', {}, query, variables)),
    headers: [['none', null], ['none', 'owner'], ['jwt', null], ['api-key', null]].map(([auth, role]) =>
      credentials({ auth }, role),
    ),
    notices: refusals.map(([auth, roles, code]) => noSchemaBecause({ auth, roles }, exchange(code))),
  }),
);
