import { lastDigits, time, won } from "./format";
import type { CardFaceFragment } from "./gql/graphql";

const STATUS = { ACTIVE: null, SUSPENDED: "Suspended", TERMINATED: "Ended", UNKNOWN: "Ask support" } as const;

export function CardFace({ card }: { card: CardFaceFragment }) {
  const status = card.cardStatus && STATUS[card.cardStatus];
  return (
    <article className={status ? "face unusable" : "face"}>
      <h2>{card.product?.serviceName ?? "Prepaid card"}</h2>
      {status && <p className="status">{status}</p>}
      <p className="balance">{card.balance === null ? "Balance unknown" : won(card.balance)}</p>
      <p className="number">
        <span>{lastDigits(card.maskedCardNo)}</span> <time dateTime={card.asOf}>as of {time(card.asOf)}</time>
      </p>
    </article>
  );
}
