// The part of the gateway's schema that the benchmark asks for, and how the Node servers resolve it.

export const typeDefs = /* GraphQL */ `
  scalar CardNumber
  scalar Won
  enum CardStatus { ACTIVE SUSPENDED TERMINATED }
  enum ApprovalDivision { INCOME_DEDUCTION EXPENSE_PROOF }
  enum IdentityEntry { CARD_NUMBER MANUAL }
  type CashReceiptInfo { approvalDiv: ApprovalDivision, idNo: String, manYn: IdentityEntry }
  type MemberProfile { userName: String, mobileNumber: String, email: String }
  type Member { userId: ID!, profile: MemberProfile }
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
  type Query { card(cardNo: CardNumber!): Card }
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
  Query: { card: async (_, { cardNo }, { cards }) => toCard(cardNo, await cards.load(cardNo)) },
  Member: { profile: async ({ userId }, _, { members }) => (await members.load(userId)).userInfo },
};
