// GraphQL Yoga on node:http: `node yoga.mjs BASE_URL`.

import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { announce, byLoaders, Konaplate } from './konaplate.mjs';
import { resolversOver, typeDefs } from './schema.mjs';

const konaplate = new Konaplate(process.argv[2]);
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers: resolversOver(byLoaders) }),
  context: () => konaplate.loaders(),
  graphiql: false,
  landingPage: false,
  logging: false,
});
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => announce('yoga', server.address().port));
