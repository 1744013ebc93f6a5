/** The API as the console uses it: of the page's own origin, with the session cookie that the browser sends by itself. */

import { createClient } from '@gatehouse/contract/client';

export const client = createClient({
  server: '',
  fetch: (url, options) => fetch(url, options),
  decoder: () => {
    const utf8 = new TextDecoder();
    return (bytes) => utf8.decode(bytes, { stream: true });
  },
});
