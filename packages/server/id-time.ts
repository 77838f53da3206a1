/** How far the clock of a process that makes ids may be from that of the database, and its insert from the id. */
export const apartMs = 60_000;

/** The nearest time that PostgreSQL and an id both have. */
export function storableTime(date: Date): Date {
  return new Date(Math.min(Math.max(date.getTime(), 0), 253_402_300_799_000));
}

/** The least id of a time: ids begin with the milliseconds (UUID version 7), so that an index has them in order. */
export function idAt(date: Date, moreMs: number): string {
  const ms = Math.min(Math.max(date.getTime() + moreMs, 0), 2 ** 48 - 1);
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
