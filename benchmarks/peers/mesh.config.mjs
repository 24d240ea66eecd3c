// The upstream as a subgraph, from JSON schemas: `mesh-compose -c mesh.config.mjs -o supergraph.graphql`.

import { defineConfig } from '@graphql-mesh/compose-cli';
import { loadJSONSchemaSubgraph } from '@omnigraph/json-schema';

const string = { type: 'string' };
const receipt = {
  title: 'CashReceiptInfo',
  type: 'object',
  properties: { approvalDiv: string, idNo: string, manYn: string },
};
const card = {
  title: 'Card',
  type: 'object',
  properties: {
    userId: { type: 'integer', format: 'int64' },
    balance: { type: 'integer' },
    cardStatus: string,
    serviceId: string,
    serviceName: string,
    ownerKa: string,
    isAutoRechargeBeforePayment: { type: 'boolean' },
    cashReceiptInfo: receipt,
  },
};

export const composeConfig = defineConfig({
  subgraphs: [
    {
      sourceHandler: loadJSONSchemaSubgraph('konaplate', {
        endpoint: '{env.UPSTREAM}',
        operationHeaders: { 'content-type': 'application/json', accept: 'application/json' },
        operations: [
          {
            type: 'Query',
            field: 'card',
            path: '/api/v1/user/card/info',
            method: 'POST',
            // Only what a path or a header names becomes an argument.
            headers: { 'x-card': '{args.cardNo}' },
            argTypeMap: { cardNo: { title: 'CardNumber', type: 'string', pattern: '^[0-9]{16}$' } },
            requiredArgs: ['cardNo'],
            requestBaseBody: { cardNo: '{args.cardNo}' },
            responseSchema: card,
          },
        ],
      }),
    },
  ],
});
