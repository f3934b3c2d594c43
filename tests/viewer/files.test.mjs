// Files written by hand, read back by other means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, crc32 as zlibCrc } from 'node:zlib';
import { gif, lzw } from '../../sifa/explorer/viewer/marks/gif.mjs';
import { COLUMNS, crc32, csv, csvRows, joined, npy, npz, withDescription, zip } from '../../sifa/explorer/viewer/trace/files.mjs';
import { readout } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { block, close, made, random } from './made.mjs';

const text = bytes => new TextDecoder().decode(bytes);

test('check sums', () => {
  assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
  assert.equal(crc32(new Uint8Array()), 0);
  if (zlibCrc) assert.equal(crc32(Uint8Array.of(1, 2, 255)), zlibCrc(Uint8Array.of(1, 2, 255)));
});

/** The chunks of a PNG as [name, content]. */
function chunks(png) {
  const view = new DataView(png.buffer, png.byteOffset);
  const found = [];
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at);
    const body = png.subarray(at + 4, at + 8 + length);
    assert.equal(view.getUint32(at + 8 + length), crc32(body));
    found.push([text(body.subarray(0, 4)), body.subarray(4)]);
    at += 12 + length;
  }
  return found;
}

function tinyPng() {
  const big = value => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  const chunk = (name, data) => {
    const body = joined([new TextEncoder().encode(name), data]);
    return joined([big(data.length), body, big(crc32(body))]);
  };
  const header = joined([big(1), big(1), Uint8Array.of(8, 0, 0, 0, 0)]);
  return joined([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), chunk('IHDR', header),
    chunk('IDAT', deflateSync(Uint8Array.of(0, 7))), chunk('IEND', new Uint8Array())]);
}

test('a PNG keeps its chunks and gains a description', () => {
  const png = tinyPng();
  const words = 'Cell y 3, x 4 \u2192 here';
  const with_ = chunks(withDescription(png, words));
  assert.deepEqual(with_.map(([name]) => name), ['IHDR', 'iTXt', 'IDAT', 'IEND']);
  assert.deepEqual(with_.filter(([name]) => name !== 'iTXt'), chunks(png));
  const content = with_[1][1];
  assert.equal(text(content.subarray(0, 11)), 'Description');
  assert.deepEqual([...content.subarray(11, 16)], [0, 0, 0, 0, 0]);
  assert.equal(text(content.subarray(16)), words);
});

/** Files of a stored zip by name, read from its directory at the end. */
function unzip(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const end = bytes.length - 22;
  assert.equal(view.getUint32(end, true), 0x06054b50);
  const files = {};
  for (let n = view.getUint16(end + 10, true), at = view.getUint32(end + 16, true); n--;) {
    assert.equal(view.getUint32(at, true), 0x02014b50);
    const [size, length, start] = [view.getUint32(at + 24, true), view.getUint16(at + 28, true), view.getUint32(at + 42, true)];
    const name = text(bytes.subarray(at + 46, at + 46 + length));
    files[name] = bytes.subarray(start + 30 + length, start + 30 + length + size);
    assert.equal(view.getUint32(at + 16, true), crc32(files[name]));
    assert.equal(text(bytes.subarray(start + 30, start + 30 + length)), name);
    at += 46 + length;
  }
  return files;
}

/** Type, shape and data of an array in NumPy's format. */
function readNpy(bytes) {
  const length = bytes[8] + 256 * bytes[9];
  assert.equal((10 + length) % 64, 0);
  const header = text(bytes.subarray(10, 10 + length));
  const [, type, shape] = /^\{'descr': '(.+?)', 'fortran_order': False, 'shape': \((.*?)\), \} *\n$/.exec(header);
  return { type, shape: shape.split(', ').filter(Boolean).map(n => parseInt(n, 10)), data: bytes.slice(10 + length).buffer };
}

test('a zip and its arrays', () => {
  assert.deepEqual(Object.keys(unzip(zip([['a', Uint8Array.of(1, 2)], ['\u00fc', new Uint8Array()]]))), ['a', '\u00fc']);
  const { type, shape, data } = readNpy(npy('<f4', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6.5)));
  assert.deepEqual([type, shape, [...new Float32Array(data)]], ['<f4', [2, 3], [1, 2, 3, 4, 5, 6.5]]);
});

test('all offsets and weights of a trace', () => {
  const trace = made([block(), block({ height: 4, width: 6, name: 'layers.1.blocks.0' })]);
  const files = unzip(npz(trace, 'A caption \u{1F642}.'));
  assert.deepEqual(Object.keys(files), ['caption.npy', 'layers.0.blocks.0.offset.npy', 'layers.0.blocks.0.attention.npy',
    'layers.1.blocks.0.offset.npy', 'layers.1.blocks.0.attention.npy']);
  const caption = readNpy(files['caption.npy']);
  assert.deepEqual([caption.type, caption.shape], ['<U12', []]);
  assert.equal(String.fromCodePoint(...new Uint32Array(caption.data)), 'A caption \u{1F642}.');
  const offset = readNpy(files['layers.1.blocks.0.offset.npy']), weight = readNpy(files['layers.1.blocks.0.attention.npy']);
  assert.deepEqual([offset.shape, weight.shape], [[3, 9, 2, 4, 6], [3, 9, 4, 6]]);
  const read = readout(trace.blocks[1], 2, 3, 1);
  const numbers = new Float32Array(offset.data), weights = new Float32Array(weight.data);
  read.offsets.forEach(([dy, dx], tap) => {
    const at = (2 * 9 + tap) * 24 + 3 * 6 + 1;
    close([numbers[at + (2 * 9 + tap) * 24], numbers[at + (2 * 9 + tap + 1) * 24]], [dy, dx], 0);
    close([weights[at]], [read.weights[tap]], 1e-6);
  });
});

test('a table has a line for each neighbour', () => {
  const { blocks: [shown] } = made([block()]);
  const lines = csv('A caption.', COLUMNS, csvRows(shown, 1, [[3, 4], [0, 0]])).split('\n');
  assert.deepEqual([lines[0], lines[1], lines.length], ['# A caption.', COLUMNS, 2 + 18 + 1]);
  const read = readout(shown, 1, 0, 0);
  lines.slice(11, 20).map(line => line.split(',').map(Number)).forEach((row, tap) => {
    close(row, [0, 0, tap, ...read.taps[tap], ...read.offsets[tap], ...read.points[tap], read.weights[tap], +read.outside[tap]], 1e-6);
  });
});

/** Palette entries of LZW codes in blocks, as a GIF reader takes them. */
function unpack(bytes) {
  const data = [];
  for (let at = 1; bytes[at]; at += 1 + bytes[at]) data.push(...bytes.subarray(at + 1, at + 1 + bytes[at]));
  const out = [];
  let table, size, before, bits = 0, held = 0;
  const reset = () => { table = Array.from({ length: 258 }, (_, i) => [i]); size = 9; before = null; };
  reset();
  for (const byte of data) {
    bits |= byte << held;
    held += 8;
    while (held >= size) {
      const code = bits & ((1 << size) - 1);
      bits >>>= size;
      held -= size;
      if (code === 256) { reset(); continue; }
      if (code === 257) return out;
      const entry = code < table.length ? table[code] : [...before, before[0]];
      out.push(...entry);
      if (before) table.push([...before, entry[0]]);
      if (table.length === 1 << size && size < 12) size += 1;
      before = entry;
    }
  }
  throw new Error('no end');
}

test('LZW codes are read back, however long', () => {
  const next = random(9);
  for (const entries of [[], [7], Array(5000).fill(3), Array.from({ length: 30_000 }, () => Math.floor(next() * 252)),
    Array.from({ length: 30_000 }, (_, i) => (i >> 3) % 11)]) {
    if (entries.length) assert.deepEqual(unpack(lzw(Uint8Array.from(entries))), entries);
  }
});

test('a film has its pictures, its times and its comment, and colours as they are on average', () => {
  const [width, height] = [300, 200];
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) data.set([i % 300 * 0.85, Math.floor(i / 300) * 1.27, i * 7919 % 256, 255], 4 * i);
  const film = gif([{ data, width, height }, { data, width, height }], 60, 'noise '.repeat(100));
  assert.equal(text(film.subarray(0, 6)), 'GIF89a');
  assert.deepEqual([...film.subarray(6, 10)], [300 & 255, 300 >> 8, 200, 0]);
  const palette = film.subarray(13, 13 + 768);
  let at = 13 + 768;
  const pictures = [];
  let comment = '';
  const blocks = start => { let end = start; while (film[end]) end += 1 + film[end]; return end + 1; };
  while (film[at] !== 0x3b) {
    if (film[at] === 0x21) {
      if (film[at + 1] === 0xf9) assert.equal(film[at + 4] + 256 * film[at + 5], 60);
      const end = blocks(at + 2);
      if (film[at + 1] === 0xfe) for (let b = at + 2; film[b]; b += 1 + film[b]) comment += text(film.subarray(b + 1, b + 1 + film[b]));
      at = end;
    } else {
      assert.equal(film[at], 0x2c);
      const end = blocks(at + 11);
      pictures.push(unpack(film.subarray(at + 10, end)));
      at = end;
    }
  }
  assert.equal(comment, 'noise '.repeat(100));
  assert.equal(pictures.length, 2);
  const off = [0, 0, 0];
  pictures[0].forEach((entry, i) => [0, 1, 2].forEach(k => {
    const difference = palette[3 * entry + k] - data[4 * i + k];
    assert.ok(Math.abs(difference) <= 255 / 5);
    off[k] += difference / (width * height);
  }));
  assert.ok(off.every(v => Math.abs(v) < 4), `${off}`);
});
