import { time, won } from "./format";
import type { OneCardQuery } from "./gql/graphql";

type Card = Extract<NonNullable<OneCardQuery["node"]>, { __typename: "Card" }>;
type Row = NonNullable<Card["transactions"]>["edges"][number]["node"];

const KIND = { PAYMENT: "Payment", CHARGE: "Top-up", REFUND: "Refund", TRANSFER: "Transfer", UNKNOWN: "Other" } as const;

// No field of a transaction is documented by Konaplate, so any of them may be null.
export function Transactions({ rows }: { rows: readonly Row[] }) {
  if (rows.length === 0) return <p>Nothing in the last thirty days.</p>;
  return (
    <ul className="rows">
      {rows.map((row, index) => {
        const kind = KIND[row.trType ?? "UNKNOWN"];
        const cancelled = row.authCancelType === "CANCEL";
        const details = [
          row.approvalDateTime && time(row.approvalDateTime),
          row.merchantName && row.trType !== "PAYMENT" && kind,
          cancelled && "cancelled",
        ];
        return (
          // A transaction has no id. The list only grows at its end, so a row keeps its place.
          <li key={index} className={cancelled ? "cancelled" : undefined}>
            <p>
              {row.merchantName ?? kind}
              <small>{details.filter(Boolean).join(" · ")}</small>
            </p>
            <p className="amount">{row.trAmount === null ? "Amount unknown" : won(row.trAmount)}</p>
          </li>
        );
      })}
    </ul>
  );
}
