// The part of the gateway's schema that the benchmark asks for, and how these servers resolve it.

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

/** One upstream answer as the type `Card`. */
export function toCard(cardNo, found) {
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

/** `card(context, cardNo)` and `member(context, userId)` give one upstream answer each. */
export function resolversOver({ card, member }) {
  return {
    Query: { card: async (_, { cardNo }, context) => toCard(cardNo, await card(context, cardNo)) },
    Member: { profile: async ({ userId }, _, context) => (await member(context, userId)).userInfo },
  };
}

export function refuseAllBut000(answer) {
  if (answer.response.code !== '000_000') {
    throw new Error('the upstream refused the call');
  }
  return answer;
}
