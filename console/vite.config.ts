import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin, type Rolldown } from 'vite';

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

/** What a browser loads before somebody sees how the gateways stand: these modules, with all that they import. */
const firstLoad = ['src/main.tsx', 'src/pages/frame.tsx', 'src/pages/overview.tsx'];
const firstLoadMaxBytes = 250_000;
const largeBytes = 10_000;

/** The file of the build that holds a module: a chunk of its own, or a part of one. Undefined: none. */
function chunkWith(module: string, bundle: Rolldown.OutputBundle): Rolldown.OutputChunk | undefined {
  const file = path.join(import.meta.dirname, module);
  return Object.values(bundle)
    .filter((one) => one.type === 'chunk')
    .find(({ moduleIds }) => moduleIds.includes(file));
}

/** Measured in the build, so that nobody ships a console that is slow to begin. */
const firstLoadBounded = (): Plugin => ({
  name: 'gatehouse-first-load',
  async generateBundle(_options, bundle) {
    const chunks = Object.values(bundle).filter((one) => one.type === 'chunk');
    const loaded = new Set<string>();
    const add = (fileName: string) => {
      const chunk = bundle[fileName];
      if (loaded.has(fileName) || chunk?.type !== 'chunk') return;
      loaded.add(fileName);
      for (const one of chunk.imports) add(one);
    };
    for (const module of firstLoad) {
      const chunk = chunkWith(module, bundle);
      if (chunk === undefined) this.error(`The first load of the console is to hold ${module}, which no chunk does.`);
      add(chunk.fileName);
    }
    const sizes = await Promise.all(
      chunks
        .filter(({ fileName }) => loaded.has(fileName))
        .map(async ({ fileName, code }) => ({ fileName, bytes: (await promisify(gzip)(code)).length })),
    );
    const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0);
    const kilobytes = (count: number) => `${(count / 1000).toFixed(1)} kB`;
    const said = `The first load of the overview is ${kilobytes(bytes)} of JavaScript (gzip, ${sizes.length} files)`;
    if (bytes > firstLoadMaxBytes) {
      const list = sizes
        .filter((one) => one.bytes > largeBytes)
        .map((one) => `${one.fileName} ${kilobytes(one.bytes)}`)
        .join(', ');
      this.error(
        `${said}, and may be ${kilobytes(firstLoadMaxBytes)}. The large ones: ${list}. Import what is not shown at once by import().`,
      );
    }
    this.info(`${said} of ${kilobytes(firstLoadMaxBytes)}.`);
  },
});

const fontsOfFirstSight = [/\/RedHatTextVF-(?!Italic)[^/]*\.woff2$/, /\/RedHatDisplayVF-(?!Italic)[^/]*\.woff2$/];

/** The frame and the fonts are asked for with the page: not once scripts have run, or a first row has to be laid out anew. */
const firstSightPreloaded = (): Plugin => ({
  name: 'gatehouse-first-sight',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle }) {
      if (bundle === undefined) return;
      const files = Object.values(bundle);
      const frame = chunkWith('src/pages/frame.tsx', bundle);
      if (frame === undefined) throw new Error('No chunk of the console holds its frame.');
      const fonts = fontsOfFirstSight.map((pattern) => {
        const font = files.find(({ fileName }) => pattern.test(`/${fileName}`));
        if (font === undefined) throw new Error(`The styles of the console have no font like ${pattern.source}.`);
        return font.fileName;
      });
      return [
        ...[frame.fileName, ...frame.imports]
          .filter((file) => !html.includes(`/${file}"`))
          .map((file) => preload({ rel: 'modulepreload', href: `/${file}` })),
        ...fonts.map((file) => preload({ rel: 'preload', as: 'font', type: 'font/woff2', href: `/${file}` })),
      ];
    },
  },
});
const preload = (attributes: Record<string, string>) =>
  ({ tag: 'link', attrs: { ...attributes, crossorigin: true }, injectTo: 'head' }) as const;

export default defineConfig(({ command }) => {
  // A test runner's NODE_ENV would make it React's development build, twice the size.
  if (command === 'build') process.env['NODE_ENV'] = 'production';
  return {
    root: import.meta.dirname,
    plugins: [react(), firstLoadBounded(), firstSightPreloaded(), compressed()],
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
