// What an app brings along for the recipes of docs/clients.md: its first token has expired.
let current = 'expired';

export const token = () => current;

export function expire() {
  current = 'expired';
}

export async function refresh() {
  current = process.env.TOKEN ?? '';
}
