// The part of the gateway's schema that the benchmark asks for, and how the Node servers resolve it.

export const typeDefs = /* GraphQL */ `
  scalar CardNumber
  scalar Won
  enum CardStatus { ACTIVE SUSPENDED TERMINATED }
  enum ApprovalDivision { INCOME_DEDUCTION EXPENSE_PROOF }
  enum IdentityEntry { CARD_NUMBER MANUAL }
  type CashReceiptInfo { approvalDiv: ApprovalDivision, idNo: String, manYn: IdentityEntry }
  type MemberProfile { userName: String, mobileNumber: String, email: String }
  type Transaction { nrNumber: String, trAmount: Won, authCancelType: String, merchantName: String }
  type TransactionConnection { nodes: [Transaction!]! }
  type ListedCard { maskedCardNo: String!, balance: Won, transactions(first: Int!): TransactionConnection }
  type Member { userId: ID!, profile: MemberProfile, cards: [ListedCard!] }
  type Card {
    cardNo: CardNumber!
    balance: Won
    cardStatus: CardStatus
    serviceId: String
    serviceName: String
    ownerKa: String
    isAutoRechargeBeforePayment: Boolean
    member: Member
    cashReceiptInfo: CashReceiptInfo
  }
  type Query { card(cardNo: CardNumber!): Card, member(userId: ID!): Member }
`;

const divisions = { 0: 'INCOME_DEDUCTION', 1: 'EXPENSE_PROOF' };
const entries = { 0: 'CARD_NUMBER', 1: 'MANUAL' };

function toCard(cardNo, found) {
  const receipt = found.cashReceiptInfo;
  return {
    cardNo,
    balance: found.balance,
    cardStatus: found.cardStatus,
    serviceId: found.serviceId,
    serviceName: found.serviceName,
    ownerKa: found.ownerKa,
    isAutoRechargeBeforePayment: found.isAutoRechargeBeforePayment,
    member: { userId: found.userId },
    cashReceiptInfo: {
      approvalDiv: divisions[receipt.approvalDiv],
      idNo: receipt.idNo,
      manYn: entries[receipt.manYn],
    },
  };
}

/** The context holds the loaders of one request. */
export const resolvers = {
  Query: {
    card: async (_, { cardNo }, { cards }) => toCard(cardNo, await cards.load(cardNo)),
    member: (_, { userId }) => ({ userId }),
  },
  Member: {
    profile: async ({ userId }, _, { members }) => (await members.load(userId)).userInfo,
    cards: async ({ userId }, _, { lists }) =>
      (await lists.load(Number(userId))).cardDataInfo.map((row) => ({ ...row, userId: Number(userId) })),
  },
  ListedCard: {
    maskedCardNo: ({ mobileCardNo }) => `${mobileCardNo.slice(0, 6)}******${mobileCardNo.slice(-4)}`,
    transactions: async ({ par, userId }, { first }, { histories }) => ({
      nodes: (await histories.load(JSON.stringify([par, userId, first]))).transactionInfo,
    }),
  },
};
