import type { Trigger } from '@flowplane/contract/definition';
import type { FieldError } from '@flowplane/contract/errors';
import { matchMistake } from './matches.ts';

/** What is wrong with triggers, besides their shape and times: those that answer in the same place, and bad matches. */
export function triggerErrors(triggers: readonly Trigger[]): FieldError[] {
  const ids = new Set<string>();
  const places = new Set<string>();
  return triggers.flatMap((trigger, index) => {
    const found: FieldError[] = [];
    const add = (field: string, message: string) => found.push({ path: `triggers[${index}].${field}`, message });
    if (ids.size === ids.add(trigger.id).size) add('id', `another trigger has the id ${trigger.id} too`);
    if (trigger.type === 'webhook') {
      // The name of a parameter does not tell one place from another.
      const place = `${trigger.method} ${trigger.path.replace(/:[^/]+/g, ':')}`;
      if (places.size === places.add(place).size) add('path', 'another trigger of this workflow answers there too');
    }
    const mistake = trigger.type === 'event' && trigger.match !== undefined ? matchMistake(trigger.match) : undefined;
    if (mistake) add('match', mistake);
    return found;
  });
}
