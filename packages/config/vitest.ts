import { defineConfig, type ViteUserConfigFnObject } from 'vitest/config';

declare module 'vitest' {
  interface ProvidedContext {
    /** In CI a test whose Redis or Chromium is missing fails; elsewhere it is skipped. */
    ci: boolean;
  }
}

/**
 * The one vitest preset. `x.test.ts` needs nothing, `x.pg.test.ts` PostgreSQL, `x.redis.test.ts` Redis, `x.browser.test.ts`
 * Chromium; `vitest --mode fast` runs only those that need nothing.
 *
 * @param globalSetup modules that start what a package's tests share, e.g. `@flowplane/db/testing-setup`.
 */
export function preset(globalSetup: string[] = []): ViteUserConfigFnObject {
  return defineConfig(({ mode }) => {
    const fast = mode === 'fast';
    return {
      test: {
        include: ['**/*.test.ts'],
        exclude: ['**/node_modules/**', '**/dist/**', ...(fast ? ['**/*.{pg,redis,browser}.test.ts'] : [])],
        globalSetup: fast ? [] : globalSetup,
        provide: { ci: process.env.CI === 'true' },
        passWithNoTests: fast,
        testTimeout: 20_000,
        hookTimeout: 60_000,
        pool: 'forks',
      },
    };
  });
}
