import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);

/** The snippets of the README, in order, as the one program that they are. */
export const program = blocks.join('\n');

/** The component that the README shows. */
export const component = /^```tsx\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';

/** What the README says that its program prints. */
export const printed = [...program.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line);

/** Every heading and the number of snippets below it. */
export const sections = text.split(/^## /m).map((section) => ({
  heading: section.split('\n')[0] ?? '',
  snippets: section.split('```ts').length - 1,
}));
