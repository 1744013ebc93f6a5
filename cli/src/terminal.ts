/** What a command may touch of the world it runs in; the tests pass their own. */

import { styleText } from 'node:util';

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Someone sits there and can be asked. */
  readonly isInteractive: boolean;
  readonly hasColour: boolean;
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly now: () => number;
  /** Ends when the user interrupts. */
  readonly interrupted: AbortSignal;
}

export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

export function paint(terminal: Terminal, colour: Colour, text: string): string {
  return terminal.hasColour ? styleText(colour, text, { validateStream: false }) : text;
}

/**
 * Text that an agent or another operator wrote, without what a terminal would obey: control characters, and marks that
 * change the reading direction.
 */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => (character === '\n' ? '\n' : '\uFFFD'));
}
