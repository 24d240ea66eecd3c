// What the Node servers share: calls to Konaplate, signed and sealed as its pages ask, with one loader for each API.
// The environment holds the gateway's own variables; PEER_CRYPTO chooses `jose` or bare `node:crypto`.

import * as crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import DataLoader from 'dataloader';
import * as jose from 'jose';
import { Pool } from 'undici';

const env = process.env;
const sealed = env.KONAPLATE_ENCRYPTION !== 'off';
const HEADER = { enc: 'A128GCM', alg: 'RSA-OAEP-256' };

export const baseUrl = env.KONAPLATE_BASE_URL;

const pem = (name) => readFileSync(env[name], 'utf8');

async function withJose() {
  const publicKey = await jose.importSPKI(pem('KONAPLATE_SERVER_PUBLIC_KEY'), HEADER.alg);
  const privateKey = await jose.importPKCS8(pem('KONAPLATE_CLIENT_PRIVATE_KEY'), HEADER.alg);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    seal: (text) =>
      new jose.CompactEncrypt(encoder.encode(text)).setProtectedHeader(HEADER).encrypt(publicKey),
    open: async (jwe) => decoder.decode((await jose.compactDecrypt(jwe, privateKey)).plaintext),
  };
}

function withNodeCrypto() {
  const oaep = { padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const publicKey = { key: crypto.createPublicKey(pem('KONAPLATE_SERVER_PUBLIC_KEY')), ...oaep };
  const privateKey = { key: crypto.createPrivateKey(pem('KONAPLATE_CLIENT_PRIVATE_KEY')), ...oaep };
  const head = Buffer.from(JSON.stringify(HEADER)).toString('base64url');
  return {
    seal(text) {
      const [key, iv] = [crypto.randomBytes(16), crypto.randomBytes(12)];
      const cipher = crypto.createCipheriv('aes-128-gcm', key, iv).setAAD(Buffer.from(head));
      const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const parts = [crypto.publicEncrypt(publicKey, key), iv, content, cipher.getAuthTag()];
      return [head, ...parts.map((part) => part.toString('base64url'))].join('.');
    },
    open(jwe) {
      const [protectedHead, ...parts] = jwe.split('.');
      const [key, iv, content, tag] = parts.map((part) => Buffer.from(part, 'base64url'));
      const decipher = crypto.createDecipheriv('aes-128-gcm', crypto.privateDecrypt(privateKey, key), iv);
      decipher.setAAD(Buffer.from(protectedHead)).setAuthTag(tag);
      return Buffer.concat([decipher.update(content), decipher.final()]).toString('utf8');
    },
  };
}

const envelope = sealed && (env.PEER_CRYPTO === 'node' ? withNodeCrypto() : await withJose());

/** Digits of a time so many days ago. Konaplate's times are Korean ones, nine hours ahead of UTC. */
const koreanTime = (days = 0) =>
  new Date(Date.now() + (9 - 24 * days) * 3600_000).toISOString().replace(/\D/g, '');

/** Body and headers of one call. */
export async function prepare(payload, seals = sealed) {
  const text = JSON.stringify(payload);
  const body = seals ? JSON.stringify({ encData: await envelope.seal(text) }) : text;
  const time = koreanTime();
  const signature = crypto.createHmac('sha256', env.KONAPLATE_SECRET_KEY).update(body).digest('base64');
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'X-KM-User-AspId': env.KONAPLATE_ASP_ID,
    'X-KM-Access-Key': env.KONAPLATE_ACCESS_KEY,
    'X-KM-Correlation-Id': `${time.slice(2, 14)}-${crypto.randomBytes(4).toString('hex').slice(0, 7)}`,
    'X-KM-Tran-Token': `KMV1:${time}:${signature}`,
    'X-KM-Tran-Time': time.slice(0, 14),
    'X-KM-Time-Zone': 'KST',
  };
  if (sealed) headers['X-KM-Crypto-Key-Id'] = env.KONAPLATE_CRYPTO_KEY_ID;
  return { body, headers };
}

/** What an answer says. */
export async function read(answer) {
  const opened = answer.encData ? JSON.parse(await envelope.open(answer.encData)) : answer;
  if (opened.response.code !== '000_000') throw new Error('the upstream refused the call');
  return opened;
}

/** Loaders of one request over `post(path, payload)`. */
export function loaders(post) {
  const each = (load) => new DataLoader((keys) => Promise.all(keys.map(load)));
  return {
    cards: each((cardNo) => post('/api/v1/user/card/info', { cardNo })),
    members: each((userId) => post('/api/v1/user/info', { userId })),
    lists: each((userId) => post('/api/v1/user/card/list', { userId }, false)),
    // The newest ones of the last thirty days.
    histories: each((key) => {
      const [par, userId, first] = JSON.parse(key);
      const [startDate, endDate] = [koreanTime(30).slice(0, 8), koreanTime().slice(0, 8)];
      const pageRequest = { page: 0, pageSize: first, orderByDirection: 'DESC' };
      return post('/api/v1/transaction/card', { par, userId, startDate, endDate, pageRequest }, false);
    }),
  };
}

/** `post` over undici's pool. */
export function pooled() {
  const url = new URL(baseUrl);
  const pool = new Pool(url.origin, { connections: 256 });
  return async (path, payload, seals) => {
    const call = await prepare(payload, seals);
    const answer = await pool.request({ method: 'POST', path: url.pathname + path, ...call });
    return read(await answer.body.json());
  };
}

export function announce(name, port) {
  console.log(`${name} answers on http://127.0.0.1:${port}`);
}
