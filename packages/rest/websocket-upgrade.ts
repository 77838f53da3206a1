import type { IncomingMessage } from 'node:http';
import type { AnyTRPCRouter } from '@trpc/server';
import type { FastifyRequest } from 'fastify';
import { operationsOf } from './operations.ts';
import { RestError } from './rest-error.ts';

function patternOf(path: string): RegExp {
  const escaped = path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll(/\{\w+\}/g, '[^/]{1,300}')}$`);
}

/**
 * For `Fastify({ http: { shouldUpgradeCallback } })`: only a WebSocket to a path that has one leaves ordinary HTTP. Anything
 * else, a request with `Upgrade: h2c` for instance, is answered as if it had not asked.
 */
export function webSocketUpgrades(router: AnyTRPCRouter): (request: IncomingMessage) => boolean {
  const patterns = operationsOf(router).flatMap(({ meta }) => (meta.websocket ? [patternOf(meta.websocket)] : []));
  return ({ method, headers, url = '' }) => {
    if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket') return false;
    const [path = ''] = url.split('?', 1);
    return patterns.some((pattern) => pattern.test(path));
  };
}

/**
 * The subprotocols that a handshake offers.
 *
 * @throws RestError `bad_request` for what RFC 6455 does not let a handshake say.
 */
export function offeredProtocols({ headers }: FastifyRequest): string[] {
  const {
    'sec-websocket-key': key = '',
    'sec-websocket-version': version,
    'sec-websocket-protocol': offered,
  } = headers;
  if (version !== '13') {
    throw new RestError('bad_request', 'Sec-WebSocket-Version must be 13.', {
      headers: { 'sec-websocket-version': '13' },
    });
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(key)) {
    throw new RestError('bad_request', 'Sec-WebSocket-Key must be 16 bytes in base64.');
  }
  if (offered === undefined) return [];
  const protocols = offered.split(',').map((protocol) => protocol.trim());
  const isList = protocols.every((protocol) => /^[\w!#$%&'*+.^`|~-]+$/.test(protocol));
  if (!isList || protocols.length > 10 || new Set(protocols).size < protocols.length) {
    throw new RestError('bad_request', 'Sec-WebSocket-Protocol must be up to 10 different names, separated by commas.');
  }
  return protocols;
}
