/**
 * Stands for your identity provider, and answers a new token. Without TOKEN_URL, as under `make dev`, there is none.
 * On a phone, keep a refresh token in the keychain or keystore, and this one in memory.
 */
export async function newToken() {
  const url = process.env.TOKEN_URL;
  if (!url) return null;
  const response = await fetch(url, { method: "POST", signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`The identity provider answered ${response.status}.`);
  return (await response.json()).access_token;
}
