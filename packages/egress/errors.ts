export type EgressErrorCode =
  | 'egress_blocked'
  | 'egress_invalid_url'
  | 'egress_invalid_request'
  | 'egress_timeout'
  | 'egress_too_large'
  | 'egress_too_many_redirects'
  | 'egress_failed'
  | 'egress_aborted';

/**
 * Why an outgoing request did not happen or did not finish. The message names the host and what to do, and never carries
 * the path, query, headers or body, which may hold secrets; nor the addresses a name resolved to, which would let a caller
 * map the network behind us.
 *
 * `egress_invalid_url` and `egress_invalid_request` are the caller's mistakes and never sent anything; `egress_blocked` is
 * the operator's policy; `egress_timeout` and `egress_failed` may go away when tried again.
 */
export class EgressError extends Error {
  override readonly name = 'EgressError';
  readonly code: EgressErrorCode;

  constructor(code: EgressErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
