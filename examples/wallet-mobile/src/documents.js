import { gql } from "@urql/core";

// Each with the ids of what it shows, so that pages and details are asked for by id: no card number leaves the app.
export const MY_CARDS = gql`
  query MobileCards {
    viewer {
      member {
        id
        cards {
          id
          maskedCardNo
          balance
          product {
            serviceName
          }
        }
      }
    }
  }
`;

export const PAYMENTS = gql`
  query MobilePayments($id: ID!, $after: String) {
    node(id: $id) {
      ... on Card {
        id
        transactions(type: PAYMENT, first: 5, after: $after) {
          nodes {
            approvalDateTime
            merchantName
            trAmount
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`;
