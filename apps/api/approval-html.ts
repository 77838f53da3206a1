import type { Approval, ApprovalField } from '@flowplane/contract/approval';
import type { FieldError } from '@flowplane/contract/errors';
import type { Json } from '@flowplane/contract/json';
import { escaped, page } from './html-page.ts';

function scalar(value: Json): string | undefined {
  return value === null || typeof value === 'object' ? undefined : String(value);
}

/** A text as it is, an object of plain values as a list, anything else as JSON. */
function detailsText(details: Json): string {
  if (details === null) return '';
  const text = scalar(details);
  if (text !== undefined) return `<p class="text">${escaped(text)}</p>`;
  const entries = Array.isArray(details) || typeof details !== 'object' ? [] : Object.entries(details);
  if (entries.length > 0 && entries.every(([, value]) => scalar(value) !== undefined)) {
    const rows = entries.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(scalar(value) ?? '')}</dd>`);
    return `<dl>${rows.join('')}</dl>`;
  }
  return `<pre>${escaped(JSON.stringify(details, null, 2))}</pre>`;
}

/** What a form names the field of an approval. */
export function inputName(field: string): string {
  return `field.${field}`;
}

function select(attributes: string, options: { value: string; label: string }[], chosen: string): string {
  const all = [{ value: '', label: 'Choose…' }, ...options].map(
    ({ value, label }) =>
      `<option value="${escaped(value)}"${value === chosen ? ' selected' : ''}>${escaped(label)}</option>`,
  );
  return `<select ${attributes}>${all.join('')}</select>`;
}

function control({ type, options = [] }: ApprovalField, attributes: string, value: string): string {
  switch (type) {
    case 'number':
      return `<input type="number" step="any" ${attributes} value="${escaped(value)}">`;
    case 'boolean':
      return select(
        attributes,
        [
          { value: 'true', label: 'Yes' },
          { value: 'false', label: 'No' },
        ],
        value,
      );
    case 'choice':
      return select(
        attributes,
        options.map((option) => ({ value: option, label: option })),
        value,
      );
    default:
      // A line break right after the tag is not of the value.
      return `<textarea ${attributes}>\n${escaped(value)}</textarea>`;
  }
}

function fieldText(field: ApprovalField, value: string, error: string | undefined): string {
  const id = `field-${field.name}`;
  const attributes = [
    `id="${id}" name="${inputName(field.name)}"`,
    ...(field.required ? ['required'] : []),
    ...(error ? [`aria-invalid="true" aria-describedby="${id}-error"`] : []),
  ].join(' ');
  const hint = field.required ? ' <span class="hint">(required)</span>' : '';
  const wrong = error ? `<p class="error" id="${id}-error">This ${escaped(error)}.</p>` : '';
  return `<div class="field">
<label for="${id}">${escaped(field.label ?? field.name)}${hint}</label>
${control(field, attributes, value)}
${wrong}</div>`;
}

function time(date: Date): string {
  const iso = date.toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

/** What was sent and could not be taken. */
export type Refused = { values: URLSearchParams; errors: readonly FieldError[] };

/** The form on which an open approval is decided. */
export function formPage(approval: Approval, refused?: Refused): string {
  const { title, workflowName, expiresAt, details, fields } = approval;
  const inputs = fields.map((field) => {
    const error = refused?.errors.find(({ path }) => path === `fields.${field.name}`);
    return fieldText(field, refused?.values.get(inputName(field.name)) ?? '', error?.message);
  });
  const until = expiresAt ? `<p class="about">To be decided by ${time(expiresAt)}</p>` : '';
  const alert = refused
    ? '<p class="error" role="alert">Nothing was decided yet: please look at the form again.</p>'
    : '';
  return page(
    title,
    `<p class="about">Workflow: ${escaped(workflowName)}</p>
<h1>${escaped(title)}</h1>
${until}
${detailsText(details)}
${alert}
<form method="post">
${inputs.join('\n')}
<div class="buttons">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="reject" class="reject">Reject</button>
</div>
</form>`,
  );
}

const closed = {
  expired: 'The time for this decision is over',
  ended: 'There is nothing to decide any more: the workflow has ended',
};

/** What became of an approval that is not open any more. */
export function closedPage({ title, workflowName, status, decision }: Approval): string {
  const outcome =
    status === 'expired' || status === 'ended' ? closed[status] : status === 'approved' ? 'Approved' : 'Rejected';
  const when = decision ? `<p>Decided at ${time(new Date(decision.at))}. You can close this page.</p>` : '';
  return page(
    `${outcome}: ${title}`,
    `<p class="about">Workflow: ${escaped(workflowName)}</p>
<h1 role="status">${escaped(outcome)}</h1>
<p class="text">${escaped(title)}</p>
${when}`,
  );
}
