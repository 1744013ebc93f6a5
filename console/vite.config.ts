import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist',
    target: 'es2024',
    // The content security policy allows no data: addresses, so nothing small is written into the styles.
    assetsInlineLimit: 0,
    // The polyfill would be a script of its own, and every browser with es2024 preloads modules.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
