import { about, isSetting, settings } from './settings.ts';

/** The text of `.env.example`: every setting with what it does, commented out, at its default or an example. */
export function envExample(): string {
  const lines = ['# Copy to .env and change what you need. Variables of the environment win over this file.'];
  const defaults: Record<string, unknown> = settings.parse({});
  let group = '';
  for (const name of Object.keys(settings.shape).filter(isSetting)) {
    const { group: own, description, example } = about(name);
    if (own !== group) lines.push('', `# ${own}`, '');
    group = own;
    const value = example ?? defaults[name] ?? '';
    lines.push(`# ${description}.`, `# ${name}=${String(value)}`);
  }
  return `${lines.join('\n')}\n`;
}
