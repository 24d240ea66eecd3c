// Apollo Server with a RESTDataSource: `node apollo.mjs BASE_URL`.

import { RESTDataSource } from '@apollo/datasource-rest';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { announce } from './konaplate.mjs';
import { refuseAllBut000, resolversOver, typeDefs } from './schema.mjs';

class Konaplate extends RESTDataSource {
  constructor(baseURL) {
    super();
    this.baseURL = `${baseURL}/`;
  }

  // A POST is not shared by itself; these are look-ups, and equal ones of a request may be.
  requestDeduplicationPolicyFor(url, request) {
    return { policy: 'deduplicate-during-request-lifetime', deduplicationKey: `${url} ${request.body}` };
  }

  async look(path, body) {
    return refuseAllBut000(await this.post(path, { body }));
  }
}

const server = new ApolloServer({
  typeDefs,
  resolvers: resolversOver({
    card: (context, cardNo) => context.look('api/v1/user/card/info', { cardNo }),
    member: (context, userId) => context.look('api/v1/user/info', { userId }),
  }),
  introspection: false,
  csrfPrevention: true,
});
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: '127.0.0.1' },
  context: async () => new Konaplate(process.argv[2]),
});
announce('apollo', new URL(url).port);
