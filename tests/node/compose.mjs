// Composes the subgraph with one that extends its entities, by both libraries. Prints what they say as JSON.
import { composeServices as byApollo } from '@apollo/composition';
import { composeServices as byTheGuild } from '@theguild/federation-composition';
import { readFileSync } from 'node:fs';
import { parse } from 'graphql';

const subgraphs = process.argv.slice(2).map((path, place) => ({
  name: `subgraph-${place}`,
  url: 'http://127.0.0.1/graphql',
  typeDefs: parse(readFileSync(path, 'utf8')),
}));
const said = ({ errors = [], supergraphSdl }) => ({ errors: errors.map(({ message }) => message), supergraphSdl });
console.log(JSON.stringify({ apollo: said(byApollo(subgraphs)), guild: said(byTheGuild(subgraphs)) }));
