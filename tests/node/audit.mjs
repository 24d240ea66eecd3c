// node audit.mjs URL: the graphql-http audits against a server, one JSON line each. Exits with 0 whatever they say.
import { auditServer } from 'graphql-http';

for (const { id, name, status, reason = null } of await auditServer({ url: process.argv[2] })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
