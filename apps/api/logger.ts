import { type Logger, pino } from 'pino';

/** What is logged of an error: libraries hang whole connections on theirs, with passwords in them. */
function errorForLog(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: errorForLog(error.cause) };
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}

/** JSON lines with `timestamp level message …`, or the same for people to read. */
export function createLogger(level: string, format: 'pretty' | 'json'): Logger {
  return pino({
    level,
    base: null,
    messageKey: 'message',
    errorKey: 'error',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    serializers: { error: errorForLog },
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
