/**
 * The lines of a text, without empty ones and without blanks around them. Not by one pattern for a break with its blanks:
 * that takes the square of the time on a text of blanks, and these texts come from outside.
 */
export const linesOf = (text: string): readonly string[] =>
  text
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
