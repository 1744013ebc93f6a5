/** The pattern of `like` for texts that contain this one, in which nothing is a wildcard. */
export const containing = (text: string): string => `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
