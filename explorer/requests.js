// Sends queries, and keeps what the other panels tell about the last one.

import { played, update } from './store.js';

/**
 * @typedef {import('./store.js').Settings} Settings
 * @typedef {import('./store.js').Exchange} Exchange
 * @typedef {{ query: string, variables?: unknown, operationName?: string | null }} Operation
 */

/** @param {string} message */
function failure(message) {
  return { errors: [{ message }] };
}

/**
 * The first card number in a string that the sandbox cannot have. Sixteen digits, maybe in groups of four.
 *
 * @param {string} text
 * @param {string} prefix that all numbers of the sandbox begin with.
 */
export function foreignNumber(text, prefix) {
  const numbers = text.match(/(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?!\d)/g) ?? [];
  return numbers.find((number) => !number.replace(/[ -]/g, '').startsWith(prefix)) ?? null;
}

/**
 * GraphiQL's headers. It fetches the schema with those of before a click on somebody to play.
 *
 * @param {Record<string, string>} [headers]
 */
const credentialed = (headers) =>
  headers?.Authorization?.includes('YOUR_TOKEN') ? { ...headers, ...played() } : headers;

/** @param {string} query @param {string | null} [name] */
const nameIn = (query, name) => (name && new RegExp(`\\bquery\\s+${name}\\b`).test(query) ? name : undefined);

/** Why GraphiQL has no schema, in words. @param {Settings} settings @param {Exchange} exchange */
export function noSchemaBecause(settings, exchange) {
  const codes = exchange.errors.map((error) => error.extensions?.code);
  if (codes.includes('UNAUTHENTICATED')) {
    const header = settings.auth === 'api-key' ? 'X-Api-Key' : 'Authorization';
    const choose = settings.roles.length ? ' Or choose somebody in the panel Sandbox.' : '';
    return `This gateway wants credentials: write ${header} into Headers, then fetch the schema again.${choose}`;
  }
  if (codes.includes('DOCUMENT_NOT_ALLOWED')) {
    return (
      'This gateway executes only the documents of its manifest (KONAGRAPH_DOCUMENTS_MODE=enforce), so the ' +
      'explorer has no schema. Set the mode to log or off to try other queries.'
    );
  }
  return null;
}

/**
 * GraphiQL's fetcher.
 *
 * @param {Settings} settings
 * @param {(notice: string | null) => void} tell shows a notice above the page.
 */
export function makeFetcher(settings, tell) {
  const traces = settings.sandbox === null ? {} : { extensions: { trace: true, cost: true } };
  let asked = 0;

  /** @param {Operation} operation @param {{ headers?: Record<string, string> }} [options] */
  return async function fetcher({ query, variables, operationName }, options) {
    const mine = ++asked;
    if (settings.sandbox !== null) {
      const text = JSON.stringify(variables ?? {}) + query;
      if (foreignNumber(text, settings.sandbox.numberPrefix) !== null) {
        return failure('Not sent: this gateway has the sandbox behind it, which is no place for a real card number.');
      }
    }
    /** @type {RequestInit} */
    const request = {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json',
        ...credentialed(options?.headers),
      },
      // GraphiQL sends the last query's name when a panel runs another one at once.
      body: JSON.stringify({ query, variables, operationName: nameIn(query, operationName), ...traces }),
      cache: 'no-store',
      redirect: 'error',
    };
    try {
      const response = await fetch(settings.endpoint, request);
      const result = await readResult(response);
      const { trace, cost, ...extensions } = result.extensions ?? {};
      const exchange = { status: response.status, errors: result.errors ?? [], trace, cost };
      if (operationName === 'IntrospectionQuery') {
        tell(noSchemaBecause(settings, exchange));
      } else if (mine === asked) {
        update({ exchange });
      }
      // Told in the panel What happened, and not twice.
      if (traces.extensions) result.extensions = Object.keys(extensions).length ? extensions : undefined;
      return result;
    } catch (error) {
      return failure(`The request failed: ${error instanceof Error ? error.message : error}`);
    }
  };
}

/**
 * Error answers are GraphQL results too, so they are shown whatever their status.
 *
 * @param {Response} response
 */
async function readResult(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return failure(`The server answered ${response.status} without JSON: ${text.slice(0, 200)}`);
  }
}
