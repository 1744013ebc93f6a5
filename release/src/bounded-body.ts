/** The body of an answer. It ends soon after the bound: when more than `bytesMax` bytes come back, it was too large. */
export async function readBounded(answer: Response, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = answer.body;
  // Leaving the loop ends the transfer.
  for await (const part of body ?? []) {
    parts.push(part);
    size += part.length;
    if (size > bytesMax) break;
  }
  return Buffer.concat(parts);
}
