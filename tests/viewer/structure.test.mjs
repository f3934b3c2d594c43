// The house rules of the viewer: imports go down only, one place listens to the page, and nothing is long.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const VIEWER = new URL('../../sifa/explorer/viewer/', import.meta.url);
const FOLDERS = ['trace', 'state', 'marks', 'panels', 'shell']; // each may import from itself and from those before it
const [LINES, FUNCTION_LINES, WIDTH] = [300, 60, 132];

const sources = readdirSync(VIEWER, { recursive: true })
  .filter(name => /\.(mjs|ts|css)$/.test(name))
  .map(name => ({ name: name.replaceAll('\\', '/'), text: readFileSync(new URL(name, VIEWER), 'utf8') }));
const modules = sources.filter(({ name }) => name.endsWith('.mjs') && name.includes('/'));

/** The files that a module names: its imports, and those of its types. */
function importsOf({ name, text }) {
  const named = [...text.matchAll(/(?:from|import) '(\.[^']+)'/g)].map(([, path]) => path);
  return named.map(path => fileURLToPath(new URL(path, new URL(name, VIEWER))).slice(fileURLToPath(VIEWER).length));
}

test('there are modules in every folder', () => {
  for (const folder of FOLDERS) assert.ok(modules.filter(({ name }) => name.startsWith(`${folder}/`)).length >= 4, folder);
  assert.deepEqual([...new Set(modules.map(({ name }) => name.split('/')[0]))].sort(), [...FOLDERS].sort());
});

test('imports go down only', () => {
  for (const each of modules) {
    const floor = FOLDERS.indexOf(each.name.split('/')[0]);
    for (const path of importsOf(each)) {
      const folder = path.split(/[/\\]/)[0];
      const fits = folder === 'styles' ? each.name.startsWith('shell/') : FOLDERS.includes(folder) && FOLDERS.indexOf(folder) <= floor;
      assert.ok(fits, `${each.name} imports ${path}`);
    }
  }
});

test('only the shell listens, fetches, or reads the address', () => {
  const wiring = /addEventListener|removeEventListener|\bfetch\(|\blocation\.|\bhistory\./;
  for (const { name, text } of modules) if (!name.startsWith('shell/')) assert.doesNotMatch(text, wiring, name);
  for (const { name, text } of modules) {
    if (/^(trace|state)\//.test(name)) assert.doesNotMatch(text, /\b(document|window)\b\./, name);
  }
});

test('no check is silenced, and a value may be anything in one place', () => {
  const loose = modules.filter(({ text }) => /\{any\}|@type \{any|<any>|any\[\]/.test(text)).map(({ name }) => name);
  assert.deepEqual(loose, ['trace/decode.mjs']);
  for (const { name, text } of modules) assert.doesNotMatch(text, /@ts-|eslint-/, name);
});

test('no file and no function is long', () => {
  for (const { name, text } of sources) {
    const lines = text.trimEnd().split('\n');
    assert.ok(lines.length <= LINES, `${name} has ${lines.length} lines`);
    if (!name.endsWith('.css')) {
      assert.ok(lines.every(line => line.length <= WIDTH), `${name}: ${lines.find(line => line.length > WIDTH)}`);
    }
  }
  for (const { name, text } of sources.filter(each => each.name.endsWith('.mjs'))) {
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
    const lineOf = at => file.getLineAndCharacterOfPosition(at).line;
    const visit = node => {
      const length = lineOf(node.end) - lineOf(node.getStart(file)) + 1;
      if (ts.isFunctionLike(node)) assert.ok(length <= FUNCTION_LINES, `${name}, line ${lineOf(node.pos) + 1}: ${length} lines`);
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
});
