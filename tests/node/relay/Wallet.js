// Compiled by relay-compiler; wallet.mjs runs the artifacts.
import { graphql } from 'relay-runtime';

graphql`
  query WalletQuery {
    viewer {
      member {
        id
        cards {
          id
          ...Wallet_card
          ...WalletTransactions_card
        }
      }
    }
  }
`;

graphql`
  query WalletCardQuery($id: ID!) {
    node(id: $id) {
      ... on Card {
        ...WalletTransactions_card @alias
      }
    }
  }
`;

graphql`
  fragment Wallet_card on Card @refetchable(queryName: "WalletCardRefetchQuery") {
    maskedCardNo
    balance
    asOf
    virtualAccount {
      maskedAccountNo
      bankName
    }
  }
`;

graphql`
  fragment WalletTransactions_card on Card
  @refetchable(queryName: "WalletTransactionsPaginationQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 5 }, after: { type: "String" }) {
    transactions(first: $first, after: $after) @connection(key: "WalletTransactions_card_transactions") {
      edges {
        node {
          nrNumber
          trAmount
          approvalDateTime
        }
      }
    }
  }
`;
