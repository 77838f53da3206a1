import { z } from 'zod';

const most = 50;

function plainHost(hostname: string, port: string): string {
  // The default ports belong to the scheme, which a host does not name.
  const ownPort = port === '' || port === '80' || port === '443' ? '' : `:${port}`;
  return `${hostname.replace(/\.+$/, '')}${ownPort}`;
}

function mayHaveSubdomains(hostname: string): boolean {
  return !hostname.startsWith('[') && !/^[\d.]+$/.test(hostname) && /[^.]\.[^.]/.test(hostname);
}

/**
 * The host that a URL leads to as host patterns name it: lower case, punycode, without a final dot; the port only where it is
 * neither 80 nor 443. Undefined when the text is not a URL of the web.
 *
 * @see https://url.spec.whatwg.org/#host-parsing
 */
export function hostOfUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  return plainHost(url.hostname, url.port);
}

/** A host pattern in the one way in which it is kept: `Example.COM.:443` → `example.com`. Undefined when it is none. */
export function canonicalPattern(text: string): string | undefined {
  const isWild = text.startsWith('*.');
  const host = isWild ? text.slice(2) : text;
  // What a URL would read as user, path, query or anything but a host and a port.
  if (!/^[^\s/?#@*\\]+$/.test(host)) return undefined;
  const url = URL.parse(`https://${host}/`);
  if (!url?.hostname || (isWild && !mayHaveSubdomains(url.hostname))) return undefined;
  const plain = plainHost(url.hostname, url.port);
  if (plain === '' || plain.startsWith(':')) return undefined;
  return isWild ? `*.${plain}` : plain;
}

/** Whether one of some canonical patterns covers a canonical host, or a narrower pattern. `*.a.b` covers what is below `a.b`. */
export function coversHost(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) => pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1))));
}

const hostPattern = z
  .string()
  .max(260)
  .transform((value, context) => {
    const canonical = canonicalPattern(value.trim());
    if (canonical !== undefined) return canonical;
    context.addIssue({
      code: 'custom',
      message: 'must be a host such as api.example.com, api.example.com:8443 or *.example.com',
    });
    return z.NEVER;
  });

/** Hosts that something is bound to. */
export const hostPatterns = z
  .array(hostPattern)
  .max(most)
  .transform((patterns) => [...new Set(patterns)])
  .meta({
    description: `Up to ${most} hosts, with a port where it is not 80 or 443. \`*.example.com\` stands for all hosts below it`,
    examples: [['api.example.com', '*.example.org']],
  });
