// What the page's own panels share. It lives in memory only: requests hold card numbers and tokens.

/**
 * @typedef {{ code?: string, retryable?: boolean, requiredScope?: string, requestId?: string }} Extensions
 * @typedef {{ message: string, path?: (string | number)[], extensions?: Extensions }} GraphQLError
 * @typedef {{ api: string, attempt: number, outcome: string, startMs: number, durationMs: number }} UpstreamCall
 * @typedef {{
 *   durationMs: number, executor: string, documentSha256: string | null, isStored: boolean | null,
 *   upstreamCalls: UpstreamCall[], savedCalls: number,
 * }} Trace
 * @typedef {{
 *   requestedQueryCost: number, actualQueryCost?: number,
 *   throttleStatus?: { maximumAvailable: number, currentlyAvailable: number, restoreRate: number },
 * }} Cost
 * @typedef {{
 *   code: string, retryable: boolean, meaning: string, meaningKo: string, advice: string, adviceKo: string,
 * }} CatalogEntry
 * @typedef {{ status: number, errors: GraphQLError[], trace?: Trace, cost?: Cost }} Exchange
 * @typedef {{ name: string, is: string }} Role
 * @typedef {{ cardNo: string, shows: string, code?: string | null }} SandboxCard
 * @typedef {{
 *   numberPrefix: string, members: { userId: string, shows: string }[], cards: SandboxCard[],
 *   failures: SandboxCard[],
 * }} Sandbox
 * @typedef {{
 *   endpoint: string, query: string, variables: string, styleNonce: string, auth: 'none' | 'jwt' | 'api-key',
 *   documentsMode: 'off' | 'log' | 'enforce', sandbox: Sandbox | null, roles: Role[],
 * }} Settings
 * @typedef {{ role: string | null, headers: Record<string, string>, exchange: Exchange | null, catalog: Map<string, CatalogEntry> | null }} State
 */

/** @type {State} */
let state = { role: null, headers: {}, exchange: null, catalog: null };
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {Partial<State>} changes */
export function update(changes) {
  state = { ...state, ...changes };
  for (const listener of listeners) listener();
}

/** The headers of whoever is played. */
export const played = () => state.headers;

/** Show a panel from its top: GraphiQL keeps the scroll position of the panel before. */
export function useTop() {
  React.useEffect(() => {
    document.querySelector('.konagraph-panel')?.scrollIntoView();
  }, []);
}

/** The shared state, for a React component. */
export function useStore() {
  return React.useSyncExternalStore(
    (/** @type {() => void} */ listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}
