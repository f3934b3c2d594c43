// Traces and links made to do harm: each is refused in a sentence or shown, and nothing else is thrown, nor takes long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldMarks, cellMarks, closeGround, pairMarks } from '../../sifa/explorer/viewer/marks/list.mjs';
import { answerHtml, barsHtml } from '../../sifa/explorer/viewer/panels/answer.mjs';
import { equationTerms, neighbourTable } from '../../sifa/explorer/viewer/panels/equation.mjs';
import { decodeLink, encodeLink, keepLocked, withLink } from '../../sifa/explorer/viewer/state/link.mjs';
import { shownOf } from '../../sifa/explorer/viewer/state/shown.mjs';
import { SETTINGS, emptyState, withBlock, withCell, withPair, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { TOUR, withTour } from '../../sifa/explorer/viewer/state/tour.mjs';
import { chosenWhatIf, ghostOf, whatIfWords } from '../../sifa/explorer/viewer/state/whatif.mjs';
import { caption, knowledge, readoutSpeech, samplingNote, sourceTimes } from '../../sifa/explorer/viewer/state/words.mjs';
import { parseTrace } from '../../sifa/explorer/viewer/trace/decode.mjs';
import { arrowField, saliencyMap, trueField } from '../../sifa/explorer/viewer/trace/fields.mjs';
import { closeView, framesOfStep, wholeView } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { jpegSize } from '../../sifa/explorer/viewer/trace/jpeg.mjs';
import { FLIPPED, GROUPED, block, jpeg, made, packed, random, sampleBytes } from './made.mjs';

const VALUES = [
  null, true, 0, -1, 1, 2.5, 1e6, 1e9, 1e18, 1e308, -1e300, '', '64', 'constructor', '__proto__', '<img src=x>', '\ud800',
  'x'.repeat(1e5), [], [[]], [0], [null], ['a'], Array(1e5).fill(1), {}, { constructor: 1 }, [1, 2, 3], [0, 0, 0], [1e9, 1e-9, 1],
];

/** A file's header and what follows it. */
function taken(buffer) {
  const base = 16 + new DataView(buffer).getUint32(8, true);
  return [JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 16, base - 16))), new Uint8Array(buffer, base)];
}

/** A file with this text in place of its header. */
function withText(text, rest) {
  const bytes = new TextEncoder().encode(text);
  const length = Math.ceil(bytes.length / 8) * 8;
  const whole = new Uint8Array(16 + length + rest.length).fill(32);
  whole.set(new TextEncoder().encode('SIFATRC\n'));
  new DataView(whole.buffer).setUint32(8, length, true);
  new DataView(whole.buffer).setUint32(12, 0, true);
  whole.set(bytes, 16);
  whole.set(rest, 16 + length);
  return whole.buffer;
}

/** Every place in nested data, the first two of each list. */
function* places(value, path = []) {
  if (path.length) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value).slice(0, Array.isArray(value) ? 2 : undefined)) yield* places(value[key], [...path, key]);
}

function put(header, path, value) {
  const copy = structuredClone(header);
  path.slice(0, -1).reduce((holder, key) => holder[key], copy)[path.at(-1)] = value;
  return copy;
}

/** All that is shown of a state, but for the painting itself. */
function look(trace, state) {
  const index = state.block, shown = trace.blocks[index];
  const field = arrowField(shown, state.pair, state.arrows);
  const about = shownOf(trace, [], state, null, field);
  const view = wholeView(shown, 300), near = closeView(shown, 200, state.y, state.x);
  const heat = { map: saliencyMap(shown, state.pair), most: 1, words: '' };
  fieldMarks(view, trace, state, heat, field, 1);
  cellMarks(view, near, about, 1);
  closeGround(near, trace, state, 1);
  pairMarks(trace, state, 300);
  equationTerms({ read: about.read, block: shown, tap: about.tap, saliency: 0, difference: 0 });
  neighbourTable(about.read, shown, state.pair);
  const [from, to] = [0, 1].map(step => framesOfStep(state.pair + step, shown, trace.clip.indices.length));
  caption(trace, state, from, to);
  sourceTimes(trace, to);
  samplingNote(trace);
  readoutSpeech(about.read, trace, state);
  trueField(trace, state)?.at(0);
  ghostOf(trace, state);
  const other = chosenWhatIf(trace, state);
  if (other) [whatIfWords(trace, other, index), barsHtml(trace, other)].forEach(String);
  [answerHtml(trace), barsHtml(trace), knowledge(trace.checkpoint), encodeLink({ clip: trace.clip.name }, state)].forEach(String);
  if (state.tour >= 0) TOUR[state.tour].text(trace, state, about.read);
}

/** The sentence that a file is refused with; '' where all of it is shown. */
function refusal(buffer) {
  const begun = performance.now();
  let trace, said = '';
  try {
    trace = parseTrace(buffer);
  } catch (error) {
    said = error.message;
    assert.match(said, /^(The trace|This is not a SIFA trace|This clip)[^\n]{10,250}\.$/);
  }
  if (trace?.blocks.length && trace.blocks.every(({ pairs }) => pairs > 0)) {
    const first = withTrace(emptyState(), trace, null);
    const last = withPair(withBlock(first, trace, Infinity), trace, Infinity);
    for (const state of [first, { ...last, overlay: 'track', whatIf: trace.what_if[0]?.name ?? '', flow: true }]) look(trace, state);
    look(trace, { ...withCell(first, trace, 0, 0, true), drawer: 'equation' });
    look(trace, withTour(first, trace, 3).tour < 0 ? first : withTour(first, trace, 3));
  }
  assert.ok(performance.now() - begun < 1000, `${performance.now() - begun} ms`);
  return said;
}

test('a header with any value in any place is refused in a sentence, or all of it is shown', () => {
  const [header, rest] = taken(sampleBytes());
  const next = random(7);
  const all = [...places(header)].flatMap(path => VALUES.map(value => [path, value]));
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    const [path, value] = all[Math.floor(next() * all.length)];
    try {
      refused += refusal(withText(JSON.stringify(put(header, path, value)), rest)) !== '';
    } catch (error) {
      throw new Error(`${path.join('.')} = ${JSON.stringify(value)?.slice(0, 60)}`, { cause: error });
    }
  }
  assert.ok(refused > 150 && refused < 300, `${refused}`);
});

test('groups and answers with any value in any place, too', () => {
  const [header, rest] = taken(packed(undefined, { ...GROUPED, what_if: [FLIPPED] }));
  let refused = 0, all = 0;
  for (const key of ['groups', 'answers', 'what_if']) {
    for (const path of [[key], ...[...places(header[key])].map(each => [key, ...each])]) {
      for (const value of VALUES) {
        all++;
        refused += refusal(withText(JSON.stringify(put(header, path, value)), rest)) !== '';
      }
    }
  }
  assert.ok(refused > all / 2 && refused < all, `${refused} of ${all}`);
});

test('a header that lacks any of its keys', () => {
  const [header, rest] = taken(sampleBytes());
  for (const path of places(header)) {
    const copy = structuredClone(header);
    const holder = path.slice(0, -1).reduce((at, key) => at[key], copy);
    if (Array.isArray(holder)) continue;
    delete holder[path.at(-1)];
    refusal(withText(JSON.stringify(copy), rest));
  }
});

test('bytes changed anywhere', () => {
  const whole = new Uint8Array(sampleBytes());
  const [next, base] = [random(3), 16 + new DataView(whole.buffer).getUint32(8, true)];
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    const broken = whole.slice();
    for (let n = 0; n < 3; n++) broken[Math.floor(next() * (next() < 0.8 ? base : broken.length))] = Math.floor(256 * next());
    refused += refusal(broken.buffer) !== '';
  }
  assert.ok(refused > 100, `${refused}`);
});

test('headers that are deep, endless or no object', () => {
  const [, rest] = taken(sampleBytes());
  for (const text of ['['.repeat(1e6), '{"version":'.repeat(1e5), '{"version":2,"clip":'.padEnd(2e6, '['), 'null', '[]', '3', '', '{}',
    '{"version":"2"}', '{"version":1e999}', '{"__proto__":{"version":2}}']) {
    assert.notEqual(refusal(withText(text, rest)), '', text.slice(0, 30));
  }
});

test('a picture of another size than the header says, and one with many scans, are not decoded', () => {
  const start = new Uint8Array(sampleBytes());
  assert.deepEqual(jpegSize(jpeg(40, 60)), { height: 40, width: 60 });
  for (const odd of [jpeg(65535, 65535), jpeg(40, 61), jpeg(40, 60, 0xc2), jpeg(40, 60).subarray(0, 9), Uint8Array.of(0xff, 0xd8, 0xff, 0xda),
    start, new Uint8Array(40)]) {
    const buffer = packed();
    const [header, rest] = taken(buffer);
    const bytes = new Uint8Array(odd.length + rest.length + 8 - odd.length % 8);
    bytes.set(rest);
    bytes.set(odd, rest.length);
    header.frames.pictures[1] = { at: rest.length, bytes: odd.length };
    assert.match(refusal(withText(JSON.stringify(header), bytes)), /damaged/);
  }
  assert.equal(jpegSize(new Uint8Array(2e6).fill(0xff)), null);
});

test('one array that is named often takes no memory and no time', () => {
  const [header, rest] = taken(sampleBytes());
  header.blocks = Array(6000).fill(header.blocks[0]);
  delete header.trust;
  header.what_if = [];
  assert.match(refusal(withText(JSON.stringify(header), rest)), /more than 1024 MB of memory/);
  const { pictures } = made();
  assert.equal(new Set(pictures).size, pictures.length); // each at a place of its own
  const [again, same] = taken(packed());
  again.frames.pictures.fill(again.frames.pictures[0]);
  assert.equal(new Set(parseTrace(withText(JSON.stringify(again), same)).pictures).size, 1);
});

const ODD = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'NaN', 'Infinity', '-Infinity', '1e308', '-1', '1e18', '-0',
  '1000000000000000000', '0.5', '1e-300', 'null', 'true', '[]', '{}', '%', '%E0%A4%A', '%00', '\ud800', '<img src=x onerror=alert(1)>', ' ',
  'x'.repeat(1e6), '9'.repeat(1e6), '['.repeat(1e6)];

test('a link with any value in any field changes only what it may, and throws nothing', () => {
  const trace = made([block(), block({ height: 4, width: 6, seed: 3 })]);
  const keys = ['c', 'h', 'w', 'b', 't', 'y', 'x', 'p', 'q', 'lock', 'hide', ...Object.keys(emptyState()), 'constructor', '__proto__'];
  const start = withTrace(emptyState(), trace, null);
  for (const key of keys) {
    for (const value of ODD) {
      const link = decodeLink(`#${key}=${value}`);
      if (!link) continue;
      const next = withLink(start, trace, link);
      for (const [field, standard] of Object.entries(emptyState())) assert.equal(typeof next[field], typeof standard, `${key}=${value}`);
      for (const [field, list] of Object.entries(SETTINGS)) assert.ok(list.includes(next[field]));
      assert.ok(Number.isInteger(next.tap) && Number.isInteger(next.tour));
      look(trace, next);
      keepLocked(start, next, link.lock, trace);
      assert.ok(encodeLink(link, next).length <= 512);
    }
  }
});

test('a host that sets a field to what is no number changes it to one', () => {
  const trace = made([block(), block({ height: 4, width: 6, seed: 3 })]);
  const start = withTrace(emptyState(), trace, null);
  for (const odd of [NaN, Infinity, -Infinity, 1.5, -3, 1e18]) {
    for (const next of [withBlock(start, trace, odd), withPair(start, trace, odd), withCell(start, trace, odd, odd)]) look(trace, next);
  }
});

test('a clip with an endless name is linked to at once', () => {
  const begun = performance.now();
  assert.ok(encodeLink({ clip: 'ü'.repeat(1e6) }, emptyState()).length <= 512);
  assert.ok(performance.now() - begun < 500);
});
