// Fastify, Mercurius and graphql-jit over undici.

import Fastify from 'fastify';
import mercurius from 'mercurius';
import { announce, loaders, pooled } from './konaplate.mjs';
import { resolvers, typeDefs } from './schema.mjs';

const post = pooled();
const app = Fastify();
app.register(mercurius, { schema: typeDefs, resolvers, context: () => loaders(post), jit: 1 });
await app.listen({ port: 0, host: '127.0.0.1' });
announce('mercurius', app.server.address().port);
