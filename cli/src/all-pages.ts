/** A list that comes in pages, whole. Bounded: a server that never ends its list is reported instead of followed. */

const pagesMax = 1000;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

export async function allPages<Item>(
  load: (cursor: { cursor?: string }) => Promise<Page<Item>>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: { cursor?: string } = {};
  for (let count = 0; count < pagesMax; count += 1) {
    const page = await load(cursor);
    items.push(...page.items);
    if (page.next === undefined) return items;
    cursor = { cursor: page.next };
  }
  throw new Error(`the list did not end after ${pagesMax} pages`);
}
