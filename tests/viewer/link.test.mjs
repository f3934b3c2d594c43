// Links to a view: the codec, and what a link may not do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCKS, contentId, decodeLink, encodeLink, keepLocked, withLink } from '../../sifa/explorer/viewer/state/link.mjs';
import { emptyState, withBlock, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { TOUR } from '../../sifa/explorer/viewer/state/tour.mjs';
import { compared, random, sample } from './made.mjs';

const NOTHING = { clip: '', id: '', weights: '', lock: [], hide: [], asked: 0 };

for (const [link, fields, text] of [
  [{}, { block: 3, pair: 5, y: 12, x: 0, pinned: true }, 'b=3&t=5&y=12&x=0&p=1'],
  [{ clip: 'a clip & more.mp4', id: '0'.repeat(16) }, { quiver: false }, `c=a+clip+%26+more.mp4&h=${'0'.repeat(16)}&q=0`],
  [{ weights: 'abcdef01', lock: ['time', 'cell'], hide: ['film'] }, {}, 'w=abcdef01&lock=time,cell&hide=film'],
  [{}, { overlay: 'track', speed: 0.25, tinted: true, whatIf: 'rigid' }, 'whatIf=rigid&tinted=1&overlay=track&speed=0.25'],
]) {
  test(`a link says what was put in and leaves out standards: ${text}`, () => {
    const written = encodeLink(link, { ...emptyState(), ...fields, playing: true });
    assert.equal(written, text);
    assert.deepEqual(decodeLink(`#${written}`), { ...NOTHING, ...link, fields });
  });
}

test('no link is longer than 512 characters, and a long name is cut', () => {
  const link = { clip: '\u52d5\u753b '.repeat(100), id: 'f'.repeat(16), weights: '12345678', lock: LOCKS.slice(0, 4), hide: ['film'] };
  const fields = { block: 23, pair: 14, y: 55, x: 54, pinned: true };
  const written = encodeLink(link, { ...emptyState(), ...fields });
  assert.ok(written.length > 400 && written.length <= 512, `${written.length}`);
  const read = decodeLink(written);
  assert.equal(read.id, link.id);
  assert.deepEqual(read.fields, fields);
  assert.ok(read.clip && link.clip.startsWith(read.clip));
});

for (const text of ['', '#', '#reading', 'constructor=1&__proto__=2', 'b=two', 'b=1e999&y=NaN&x=&p=yes&h=123&lock=doors&hide=A!', '%E0%A4%A',
  `overlay=${'a'.repeat(65)}`, 'b=[1]&t={}&y=null']) {
  test(`what is unknown or no value is ignored: ${text.slice(0, 40)}`, () => assert.equal(decodeLink(text), null));
}

test('a link that says nothing of the view leaves the block that the trace opens on; one that does means the first by leaving it out', () => {
  const trace = { ...compared(), opens_on: 1 };
  const start = withTrace(emptyState(), trace, null);
  const blockOf = text => withLink(start, trace, decodeLink(text)).block;
  assert.deepEqual(['hide=film', 't=0', 'b=1&t=0'].map(blockOf), [1, 0, 1]);
  for (const block of [0, 1]) assert.equal(blockOf(encodeLink({}, withBlock(start, trace, block))), block);
});

test('nonsense of any kind leads to a state that the trace has', () => {
  const trace = compared();
  const start = withTrace(emptyState(), trace, null);
  const next = random(7);
  const pick = list => list[Math.floor(next() * list.length)];
  const keys = ['b', 't', 'y', 'x', 'p', 'pins', 'active', 'q', 'tap', 'overlay', 'arrows', 'speed', 'whatIf', 'flow', 'tour', 'reverse', 'playing', 'drawer'];
  const values = ['0', '1', '2', '-1', '99', '0.5', '1e9', 'null', '[]', 'true', 'rigid', 'track', 'offset', '1,2', '3,4;;0,0,1', '9,9;1,1', '%00', '"', ''];
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 8 }, () => `${pick(keys)}=${pick(values)}`).join('&');
    const link = decodeLink(text);
    if (!link) continue;
    const state = withLink(start, trace, link);
    const { pairs, height, width, taps } = trace.blocks[state.block];
    const within = (v, end) => Number.isInteger(v) && v >= 0 && v < end;
    assert.ok(within(state.pair, pairs) && within(state.y, height) && within(state.x, width), text);
    assert.ok(state.tap === -1 || within(state.tap, taps), text);
    assert.deepEqual(Object.keys(state).sort(), Object.keys(start).sort(), text);
    for (const [name, value] of Object.entries(start)) assert.equal(typeof state[name], typeof value, `${text}: ${name}`);
    assert.deepEqual([state.playing, state.tour], [false, -1], text);
  }
});

test('values that a trace does not have are ignored', () => {
  const shape = n => ({ pairs: 3, height: n, width: n + 1, stride: [1, 1, 1], taps: 9 });
  const trace = { clip: {}, blocks: [shape(8), shape(4)], what_if: [{ name: 'rigid' }], true_flow: [] };
  const start = { ...emptyState(), pair: 1, y: 2, x: 2 };
  const view = text => {
    const { block, pair, y, x, quiver, whatIf } = withLink(start, trace, decodeLink(text));
    return [block, pair, y, x, quiver, whatIf];
  };
  assert.deepEqual(view('b=1&t=2&y=3&x=4'), [1, 2, 3, 4, true, '']);
  assert.deepEqual(view('b=2&t=3&y=8&x=9'), [0, 1, 2, 2, true, '']);
  assert.deepEqual(view('b=1&y=4&x=0'), [1, 1, 1, 1, true, '']);
  assert.deepEqual(view('t=0.5&y=-1&x=3&q=0'), [0, 1, 2, 2, false, '']);
  assert.deepEqual(view('whatIf=rigid&unknown=9'), [0, 1, 2, 2, true, 'rigid']);
  assert.deepEqual(view('whatIf=gone'), [0, 1, 2, 2, true, '']);
});

test('a link leaves nothing of the view before it', () => {
  const trace = compared();
  const before = { ...withTrace(emptyState(), trace, null), overlay: 'track', reverse: true, pinned: true, whatIf: 'rigid' };
  const state = withLink(before, trace, decodeLink('b=1&t=0&y=1&x=1'));
  assert.deepEqual(state, { ...emptyState(), block: 1, pair: 0, y: 1, x: 1 });
});

test('a step of the tour can be linked to, short and in full', () => {
  const trace = sample();
  const start = withTrace(emptyState(), trace, null);
  for (const step of TOUR.keys()) {
    const state = withLink(start, trace, decodeLink(`tour=${step}`));
    assert.equal(state.tour, step);
    assert.deepEqual(withLink(start, trace, decodeLink(encodeLink({}, state))), state);
  }
});

for (const [lock, change, kept] of [
  [[], { pair: 4, y: 9 }, { pair: 4, y: 9 }],
  [['time'], { pair: 4, playing: true, y: 9 }, { y: 9 }],
  [['cell'], { y: 9, x: 9, pinned: true, quiver: false }, { quiver: false }],
  [['block'], { block: 1, y: 3, x: 3 }, {}],
  [['block'], { y: 3, x: 3 }, { y: 3, x: 3 }],
  [['time'], { block: 1, pair: 2, y: 0, x: 0 }, { block: 1, pair: 1, y: 0, x: 0 }],
  [['cell', 'time'], { block: 1, pair: 0, y: 3, x: 3, pinned: true }, { block: 1, pair: 1, y: 2, x: 2 }],
  [['cell'], { reverse: true, overlay: 'track' }, { overlay: 'track' }],
  [['view'], { pair: 4, quiver: false }, { pair: 4 }],
  [['all'], { block: 1, pair: 4, y: 9, quiver: false, pinned: true }, {}],
]) {
  test(`what is locked stays: ${lock} against ${Object.keys(change)}`, () => {
    const start = { ...emptyState(), pair: 1, y: 5, x: 5 };
    const trace = { blocks: [8, 4].map(side => ({ pairs: 5, height: side, width: side, taps: 9 })) };
    assert.deepEqual(keepLocked(start, { ...start, ...change }, lock, trace), { ...start, ...kept });
  });
}

test('the content id tells pictures apart', () => {
  const ids = [[[1, 2], [3]], [[1, 2], [3]], [[1], [2, 3]], [[1, 2], [4]], [[2, 1], [3]], []]
    .map(parts => contentId(parts.map(part => Uint8Array.from(part))));
  assert.equal(ids[0], ids[1]);
  assert.equal(new Set(ids).size, 5);
  for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
});
