/** Connections to PostgreSQL at most, of each side. */
export const poolSize = 20;
