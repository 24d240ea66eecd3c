// The upstream's two calls over undici's pool, and the data loaders of one request.

import DataLoader from 'dataloader';
import { Pool } from 'undici';
import { refuseAllBut000 } from './schema.mjs';

const headers = { 'content-type': 'application/json', accept: 'application/json' };
const CONNECTIONS = 256;

export class Konaplate {
  constructor(baseUrl) {
    const url = new URL(baseUrl);
    this.pool = new Pool(url.origin, { connections: CONNECTIONS });
    this.base = url.pathname;
  }

  async post(path, payload) {
    const { body } = await this.pool.request({
      method: 'POST', path: this.base + path, headers, body: JSON.stringify(payload),
    });
    return refuseAllBut000(await body.json());
  }

  /** Equal keys of one request share a call. */
  loaders() {
    const each = (load) => new DataLoader((keys) => Promise.all(keys.map(load)));
    return {
      cards: each((cardNo) => this.post('/api/v1/user/card/info', { cardNo })),
      members: each((userId) => this.post('/api/v1/user/info', { userId })),
    };
  }
}

export const byLoaders = {
  card: (context, cardNo) => context.cards.load(cardNo),
  member: (context, userId) => context.members.load(userId),
};

export function announce(name, port) {
  console.log(`${name} answers on http://127.0.0.1:${port}`);
}
