import { graphql } from "./gql";

export const CARD_FACE = graphql(`
  fragment CardFace on Card {
    id
    maskedCardNo
    cardStatus
    balance
    asOf
    product {
      serviceName
    }
  }
`);

export const MY_CARDS = graphql(`
  query MyCards {
    viewer {
      member {
        id
        cards {
          ...CardFace
        }
      }
    }
  }
`);

export const ONE_CARD = graphql(`
  query OneCard($id: ID!, $after: String) {
    node(id: $id) {
      __typename
      ... on Card {
        ...CardFace
        transactions(first: 10, after: $after) {
          edges {
            node {
              approvalDateTime
              trType
              authCancelType
              trAmount
              merchantName
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`);
