/** When to come back after a 429 or a 503 of which nothing better is known (RFC 9110, 10.2.3); no header for other answers. */
export function retryAfter(...statuses: number[]): { 'retry-after'?: string } {
  return statuses.some((status) => status === 429 || status === 503) ? { 'retry-after': '5' } : {};
}
