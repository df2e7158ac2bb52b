const itemsMax = 1_000_000; // more than a terminal is for

/** All of a list, page after page. */
export async function allPages<Item>(
  page: (query: { cursor?: string; limit: number }) => Promise<{ items: Item[]; nextCursor: string | null }>,
): Promise<Item[]> {
  const all: Item[] = [];
  for (let cursor: string | undefined; all.length < itemsMax; ) {
    const { items, nextCursor } = await page({ limit: 500, ...(cursor !== undefined && { cursor }) }); // the largest page
    all.push(...items);
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  return all;
}
