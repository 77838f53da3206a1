import { type Logger, pino } from 'pino';

/** JSON lines with `timestamp level message …`, or the same for people to read. */
export function createLogger(level: string, format: 'pretty' | 'json'): Logger {
  return pino({
    level,
    base: null,
    messageKey: 'message',
    errorKey: 'error',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['*.password', '*.accessToken', '*.refreshToken', '*.key', '*.authorization', '*.cookie'],
    ...(format === 'pretty'
      ? {
          transport: {
            target: 'pino-pretty',
            options: {
              messageKey: 'message',
              timestampKey: 'timestamp',
              errorLikeObjectKeys: ['error'],
              singleLine: true,
            },
          },
        }
      : {}),
  });
}
