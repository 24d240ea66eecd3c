const WON = new Intl.NumberFormat("ko-KR");
// Dates of a Korean card, whatever the time zone of the machine.
const TIME = new Intl.DateTimeFormat("en", {
  timeZone: "Asia/Seoul",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

export const won = (amount: number): string => `₩${WON.format(amount)}`;

export const time = (iso: string): string => TIME.format(new Date(iso));

/** `949133******0014` as `•••• 0014`. */
export const lastDigits = (maskedCardNo: string): string => `•••• ${maskedCardNo.slice(-4).replaceAll("*", "•")}`;
