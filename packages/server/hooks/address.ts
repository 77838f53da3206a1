import type { WebhookTrigger } from '@flowplane/contract/definition';
import { parametersOf } from '@flowplane/contract/webhook';

/** Where a webhook answers, as its row has it. */
export type AddressRow = {
  method: string;
  path: string;
  /** What `like` matches paths with as many segments against; null for a path without parameters. */
  pattern: string | null;
  /** Of several that match, the first in alphabetical order answers: `0` for each segment as it is, `1` for a parameter. */
  specificity: string;
};

export function addressRow({ method, path }: Pick<WebhookTrigger, 'method' | 'path'>): AddressRow {
  const segments = path.split('/');
  const isParameter = segments.map((segment) => segment.startsWith(':'));
  // Of what a path may have, only the underscore means something to `like`.
  const pattern = segments.map((segment, at) => (isParameter[at] ? '%' : segment.replaceAll('_', '\\_'))).join('/');
  return {
    method,
    path,
    pattern: parametersOf(path).length > 0 ? pattern : null,
    specificity: isParameter.map((is) => (is ? '1' : '0')).join(''),
  };
}

/** What the parameters of a webhook's path stand for in a path that it matches, whose segments are percent-encoded. */
export function paramsOf(template: string, path: string): Record<string, string> {
  const segments = path.split('/');
  return Object.fromEntries(
    template.split('/').flatMap((part, at) => {
      return part.startsWith(':') ? [[part.slice(1), decodeURIComponent(segments[at] ?? '')]] : [];
    }),
  );
}
