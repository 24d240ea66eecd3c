// GraphQL Yoga on node:http over undici.

import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { announce, loaders, pooled } from './konaplate.mjs';
import { resolvers, typeDefs } from './schema.mjs';

const post = pooled();
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: () => loaders(post),
  graphiql: false,
  landingPage: false,
  logging: false,
});
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => announce('yoga', server.address().port));
