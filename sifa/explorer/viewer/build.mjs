// Bundles the viewer into bundle.js: `node build.mjs` writes it, `node build.mjs --check` fails where it is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const HERE = new URL('.', import.meta.url);
const FILE = fileURLToPath(new URL('bundle.js', HERE));
const LIMIT = 240 * 1024; // bytes
const BROWSERS = 'es2022'; // of 2023 and later

/** Style sheets come in as their text, without what means nothing. */
const styles = {
  name: 'styles',
  setup(building) {
    building.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true, target: BROWSERS });
      return { contents: code.trim(), loader: 'text' };
    });
  },
};

/**
 * The bundle as text: a module whose default export has render({model, el}), as anywidget calls it. The name `explorer`
 * holds the same, for a page that goes on in the module that the bundle is put into.
 */
async function bundled() {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [fileURLToPath(new URL('shell/explorer.mjs', HERE))],
    bundle: true, minify: true, write: false, charset: 'utf8', target: BROWSERS, legalComments: 'none',
    format: 'iife', globalName: 'explorer', footer: { js: 'export default explorer;' }, plugins: [styles],
  });
  return text;
}

const text = await bundled();
const size = Buffer.byteLength(text);
if (size > LIMIT) throw new Error(`The bundle has ${size} bytes; ${LIMIT} are allowed. Take something out.`);
if (process.argv.includes('--check')) {
  const committed = await readFile(FILE, 'utf8').catch(() => '');
  if (committed !== text) {
    console.error('sifa/explorer/viewer/bundle.js is out of date. Run `make viewer`, and commit it.');
    process.exitCode = 1;
  }
} else {
  await writeFile(FILE, text);
  console.log(`sifa/explorer/viewer/bundle.js: ${size} bytes`);
}
