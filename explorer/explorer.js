// Starts GraphiQL. React, ReactDOM, GraphiQL and GraphiQLPluginExplorer are the globals of the npm files.
'use strict';

(() => {
  const settings = JSON.parse(document.getElementById('explorer-settings').textContent);

  // GraphiQL's dialogs add a <style> element while they are open. The library that does it marks the element with
  // this webpack name, so the policy can allow exactly that element by nonce.
  globalThis.__webpack_nonce__ = settings.styleNonce;

  // Queries, variables and headers may hold card numbers and tokens: GraphiQL gets a store that dies with the page.
  function memoryStorage() {
    const items = new Map();
    return {
      get length() {
        return items.size;
      },
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => void items.set(key, String(value)),
      removeItem: (key) => void items.delete(key),
      clear: () => items.clear(),
    };
  }

  function failure(message) {
    return { errors: [{ message }] };
  }

  // Error answers are GraphQL results too, so they are shown whatever their status.
  async function readResult(response) {
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      return failure(`The server answered ${response.status} without JSON: ${text.slice(0, 200)}`);
    }
  }

  async function fetcher({ query, variables, operationName }, options) {
    const request = {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json',
        ...options?.headers,
      },
      body: JSON.stringify({ query, variables, operationName }),
      cache: 'no-store',
      redirect: 'error',
    };
    try {
      return await readResult(await fetch(settings.endpoint, request));
    } catch (error) {
      return failure(`The request failed: ${error.message}`);
    }
  }

  const queryBuilder = GraphiQLPluginExplorer.explorerPlugin();
  const page = React.createElement(
    GraphiQL,
    {
      fetcher,
      storage: memoryStorage(),
      shouldPersistHeaders: false,
      plugins: [queryBuilder],
      // On a phone it would leave no place for the query.
      visiblePlugin: matchMedia('(min-width: 48rem)').matches ? queryBuilder : undefined,
      query: settings.query,
      variables: settings.variables,
      defaultQuery: '', // What a further tab starts with.
      defaultEditorToolsVisibility: settings.variables ? 'variables' : false,
    },
    React.createElement(GraphiQL.Logo, null, 'konagraph'),
  );
  ReactDOM.createRoot(document.getElementById('explorer')).render(page);
})();
