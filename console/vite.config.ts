import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The server sends a file's `.gz` to who takes it; the styles are five times smaller so. */
const compressed = (): Plugin => ({
  name: 'gatehouse-compressed',
  async writeBundle({ dir }) {
    if (dir === undefined) throw new Error('the console is built into a folder');
    for (const file of await readdir(dir, { recursive: true })) {
      if (!/\.(js|css|svg)$/.test(file)) continue;
      const bytes = await readFile(path.join(dir, file));
      const packed = await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION });
      if (packed.length < bytes.length) await writeFile(path.join(dir, `${file}.gz`), packed);
    }
  },
});

export default defineConfig(({ command }) => {
  // A test runner's NODE_ENV would make it React's development build, twice the size.
  if (command === 'build') process.env['NODE_ENV'] = 'production';
  return {
    root: import.meta.dirname,
    plugins: [react(), compressed()],
    build: {
      outDir: 'dist',
      target: 'es2024',
      // Nothing small is written into the styles as a data: address, which the content security policy need not allow.
      assetsInlineLimit: 0,
      // The polyfill would be a script of its own, and every browser with es2024 preloads modules.
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  };
});
