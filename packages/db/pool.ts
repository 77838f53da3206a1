import pg from 'pg';

export type PoolOptions = {
  /** Connections at most. */
  max: number;
  /** Settings of each session as on PostgreSQL's command line, e.g. `-c search_path=queue`. */
  options?: string | undefined;
  /** Told of errors on idle connections, e.g. when PostgreSQL restarts; the pool heals by itself. */
  onError?: ((error: Error) => void) | undefined;
};

/** Opens a pool of connections. Nothing is connected until the first query. */
export function openPool(
  url: string,
  { max, options, onError }: PoolOptions,
): { pool: pg.Pool; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    application_name: 'flowplane',
    // A connection that was dropped without a word is found out before somebody waits on it.
    keepAlive: true,
    // A statement that a lock holds up must not hold up the server.
    statement_timeout: 30_000,
    lock_timeout: 10_000,
    ...(options ? { options } : {}),
  });
  let closing = false;
  pool.on('error', (error) => {
    // A pool counts as closed before its connections are: what becomes of them then is of no interest.
    if (!closing) onError?.(error);
  });
  // A connection that breaks between two statements of a transaction has nobody listening, which would end the process; the
  // next statement fails anyway.
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    pool,
    async close() {
      closing = true;
      if (!pool.ended) await pool.end();
    },
  };
}
