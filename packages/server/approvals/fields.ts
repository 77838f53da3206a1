import type { ApprovalField, FieldValues } from '@flowplane/contract/approval';
import { type FieldError, Refusal } from '@flowplane/contract/errors';

type Value = FieldValues[string] | undefined;

function isEmpty(value: Value): boolean {
  return value === undefined || value === null || value === '';
}

/** What is wrong with the value of a field; undefined when nothing is. */
function wrong({ type, options = [], required }: ApprovalField, value: Value): string | undefined {
  if (isEmpty(value)) return required ? 'is required' : undefined;
  switch (type) {
    case 'number':
      return typeof value === 'number' ? undefined : 'must be a number';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'choice':
      return options.some((option) => option === value) ? undefined : `must be one of: ${options.join(', ')}`;
    default:
      return typeof value === 'string' ? undefined : 'must be a text';
  }
}

/**
 * Holds what was filled in against the fields that are asked for.
 *
 * @returns what was filled in, without what was left empty.
 * @throws Refusal `invalid_input` that names each field at fault.
 */
export function checkFields(asked: ApprovalField[], given: FieldValues): FieldValues {
  const errors: FieldError[] = [];
  for (const name of Object.keys(given)) {
    if (!asked.some((field) => field.name === name))
      errors.push({ path: `fields.${name}`, message: 'is not a field of this approval' });
  }
  const filled: FieldValues = {};
  for (const field of asked) {
    const value = Object.hasOwn(given, field.name) ? given[field.name] : undefined;
    const message = wrong(field, value);
    if (message) errors.push({ path: `fields.${field.name}`, message });
    else if (value !== undefined && !isEmpty(value)) filled[field.name] = value;
  }
  const [first] = errors;
  if (first) throw new Refusal('invalid_input', `${first.path}: ${first.message}`, errors.slice(0, 50));
  return filled;
}
