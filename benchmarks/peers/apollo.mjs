// Apollo's standalone server over its own RESTDataSource.

import { RESTDataSource } from '@apollo/datasource-rest';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { announce, baseUrl, loaders, prepare, read } from './konaplate.mjs';
import { resolvers, typeDefs } from './schema.mjs';

class Konaplate extends RESTDataSource {
  baseURL = `${baseUrl}/`;

  async look(path, payload, seals) {
    return read(await this.post(path.slice(1), await prepare(payload, seals)));
  }
}

const server = new ApolloServer({ typeDefs, resolvers });
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: '127.0.0.1' },
  context: async () => {
    const konaplate = new Konaplate();
    return loaders((...call) => konaplate.look(...call));
  },
});
announce('apollo', new URL(url).port);
