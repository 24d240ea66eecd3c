// Fastify, Mercurius and graphql-jit: `node mercurius.mjs BASE_URL`.

import Fastify from 'fastify';
import mercurius from 'mercurius';
import { announce, byLoaders, Konaplate } from './konaplate.mjs';
import { resolversOver, typeDefs } from './schema.mjs';

const konaplate = new Konaplate(process.argv[2]);
const app = Fastify();
app.register(mercurius, {
  schema: typeDefs,
  resolvers: resolversOver(byLoaders),
  context: () => konaplate.loaders(),
  jit: 1,
});
await app.listen({ port: 0, host: '127.0.0.1' });
announce('mercurius', app.server.address().port);
