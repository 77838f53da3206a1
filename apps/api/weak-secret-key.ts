/** Keys that stand in the examples of well-known projects, and so are copied with them. */
const published = new Set([
  '60gp0byfz2dvffa45cxl20p1scy9xbpf6d8c5y0geejgkyp1b5',
  'sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U',
  'UpNVntn3cDxHJpq99YMc1T1AQgQpc8kfYTuRgBiYa15BLrx8etQoXz3gZv1/u2oq',
]);

/** What placeholders are made of: `your-super-secret-jwt-token-with-at-least-32-characters-long`. */
const ofPlaceholders = new RegExp(
  [
    'change|replace|insert|generate|please|example|default|your|here|this|with|must|least|minimum|super|me',
    'secret|password|passphrase|token|random|string|value|secure|insecure|encryption|master|jwt|key',
    'characters?|chars|bytes|long|32|64|production|development|dev|test',
  ].join('|'),
  'g',
);

/** Neighbours on a keyboard, as `qw` and `90`. */
const rows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', '1234567890'];
const neighbours = new Set(rows.flatMap((row) => [...row].slice(1).map((letter, index) => `${row[index]}${letter}`)));

function follows(one: string, next: string): boolean {
  const step = next.charCodeAt(0) - one.charCodeAt(0);
  return Math.abs(step) <= 1 || neighbours.has(`${one}${next}`) || neighbours.has(`${next}${one}`);
}

/** Whether a text is one block at least twice, the last of them perhaps cut off. */
function repeats(text: string): boolean {
  for (let length = 1; length <= text.length / 2; length += 1) {
    if (text.slice(length) === text.slice(0, -length)) return true;
  }
  return false;
}

/**
 * Why a master key that is long enough can be guessed all the same, where that is obvious. Undefined for what a generator or some
 * words of a dictionary gave.
 */
export function weaknessOf(key: string): string | undefined {
  if (published.has(key)) return 'is in the published example of another program';
  const letters = key.toLowerCase();
  if (new Set(letters).size < 8) return 'has fewer than 8 different characters';
  if (repeats(letters)) return 'repeats itself';
  const inRow = [...letters].slice(1).filter((letter, index) => follows(letters[index] ?? '', letter)).length;
  if (inRow > letters.length / 2) return 'is a sequence of neighbouring characters';
  const own = letters.replaceAll(/[\s_.-]/g, '').replaceAll(ofPlaceholders, '');
  return own.length < 12 ? 'is a placeholder' : undefined;
}
