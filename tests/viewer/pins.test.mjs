// Several pinned queries: what is pinned, which one is the query, and what pictures, links, words and files say of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellMarks, pairMarks } from '../../sifa/explorer/viewer/marks/list.mjs';
import { PINS } from '../../sifa/explorer/viewer/marks/palette.mjs';
import { tagMark } from '../../sifa/explorer/viewer/marks/pins.mjs';
import { svgMarks } from '../../sifa/explorer/viewer/marks/svg.mjs';
import { trackChart } from '../../sifa/explorer/viewer/panels/chart.mjs';
import { neighbourTable } from '../../sifa/explorer/viewer/panels/equation.mjs';
import { EXPORTS } from '../../sifa/explorer/viewer/panels/exports.mjs';
import { viewActions } from '../../sifa/explorer/viewer/state/actions.mjs';
import { decodeLink, encodeLink, keepLocked, withLink } from '../../sifa/explorer/viewer/state/link.mjs';
import { FULL, letterOf, pinsByLetter, pinsLeftOut, readByLetter } from '../../sifa/explorer/viewer/state/pins.mjs';
import { shownOf } from '../../sifa/explorer/viewer/state/shown.mjs';
import {
  emptyState, withActive, withAnotherPin, withBlock, withCell, withPin, withPins, withTrace, withWhatIf, withoutLetter, withoutPin,
} from '../../sifa/explorer/viewer/state/state.mjs';
import { compass } from '../../sifa/explorer/viewer/state/text.mjs';
import { caption, readoutSpeech } from '../../sifa/explorer/viewer/state/words.mjs';
import { readout, wholeView } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { block, close, compared, made } from './made.mjs';

const trace = compared(); // blocks of 7 x 11 and 4 x 6 cells
const start = { ...withTrace(emptyState(), trace, null), y: 0, x: 0 };
const pinAll = (state, ...cells) => cells.reduce((next, [y, x]) => withPin(next, trace, y, x), state);
const letters = state => Object.keys(pinsByLetter(state, trace)).join('');
const three = pinAll(start, [3, 5], [1, 2], [6, 10]);
const show = (state, field = new Float32Array(2 * 77)) => shownOf(trace, [], state, null, field);

test('each cell that is pinned takes the next letter and becomes the query; a pin that is chosen again is the query', () => {
  assert.deepEqual(pinsByLetter(three, trace), { A: [3, 5], B: [1, 2], C: [6, 10] });
  assert.deepEqual([three.y, three.x, letterOf(three)], [6, 10, 'C']);
  const again = withPin(three, trace, 3, 5);
  assert.deepEqual([again.y, again.x, letterOf(again), letters(again)], [3, 5, 'A', 'ABC']);
  assert.equal(withActive(three, trace, 4), three);
});

test('a letter stays with its place when another is let go, and is free for the next', () => {
  const two = withoutLetter(three, trace, 0);
  assert.deepEqual(pinsByLetter(two, trace), { B: [1, 2], C: [6, 10] });
  assert.equal(letterOf(two), 'C');
  const one = withoutPin(two, trace);
  assert.deepEqual([letters(one), letterOf(one), one.y, one.x], ['B', 'B', 1, 2]);
  assert.equal(letters(withPin(one, trace, 0, 0)), 'AB');
  const none = withoutPin(one, trace);
  assert.deepEqual([none.pins, none.pinned, none.y], [[], false, 1]);
});

test('one pin alone is a query without a letter, as ever', () => {
  const one = pinAll(start, [3, 5]);
  assert.deepEqual([letterOf(one), show(one).pins], ['', []]);
  assert.equal(encodeLink({}, one), 't=1&y=3&x=5&p=1');
});

test('the active pin moves with the query; one more pin may start on its cell', () => {
  const moved = withCell(three, trace, 5, 9);
  assert.deepEqual(pinsByLetter(moved, trace), { A: [3, 5], B: [1, 2], C: [5, 9] });
  const four = withAnotherPin(three, trace, three.y, three.x);
  assert.deepEqual([letters(four), letterOf(four)], ['ABCD', 'D']);
  assert.deepEqual(pinsByLetter(withCell(four, trace, 6, 9), trace).C, [6, 10]);
});

test('a sixth pin changes nothing', () => {
  const five = pinAll(start, [0, 1], [0, 2], [0, 3], [0, 4], [0, 5]);
  assert.equal(withPin(five, trace, 3, 3), five);
  assert.equal(withAnotherPin(five, trace, 3, 3), five);
  assert.equal(letterOf(withPin(five, trace, 0, 2)), 'B');
});

test('another block and back loses no pin, though two share a cell there', () => {
  const near = pinAll(start, [2, 4], [3, 5]);
  const deeper = withBlock(near, trace, 1);
  assert.deepEqual(pinsByLetter(deeper, trace), { A: [1, 2], B: [2, 3] });
  assert.deepEqual([deeper.y, deeper.x], [2, 3]);
  const back = withBlock(deeper, trace, 0);
  assert.deepEqual([back.pins, back.y, back.x], [near.pins, 3, 5]);
});

test('a what-if keeps pins, and so do another clip and other weights, each at its place', () => {
  assert.equal(withWhatIf(three, trace, 'rigid').pins, three.pins);
  const other = made([block()], { clip: { ...trace.clip, name: 'other.mp4' } });
  const fresh = withTrace(three, other, trace);
  assert.deepEqual([fresh.pins, fresh.pinned, fresh.y, fresh.x], [three.pins, true, three.y, three.x]);
  const finer = made([block({ height: 14, width: 22 })]);
  const kept = withTrace(three, finer, trace);
  assert.deepEqual(pinsByLetter(kept, finer), { A: [7, 11], B: [3, 5], C: [13, 21] });
  assert.deepEqual([kept.y, kept.x, kept.pinned], [13, 21, true]);
});

test('the reverse question rests on pins, and goes back to the active one', () => {
  const asked = withPin(three, trace, 2, 2, true);
  assert.deepEqual([asked.reverse, asked.pinned, asked.y, letters(asked), letterOf(asked)], [true, true, 2, 'ABC', '']);
  const back = withoutPin(asked, trace);
  assert.deepEqual([back.reverse, back.y, back.x, letterOf(back)], [false, 6, 10, 'C']);
  assert.deepEqual(withCell(asked, trace, 2, 2, false), back);
});

/** Actions on a viewer without a page. */
function acted(state) {
  const viewer = {
    state, trace, tap: 0, width: 460, said: [], set(next) { viewer.state = next; }, play() {}, light() {}, help() {},
    say(words) { viewer.said.push(words); }, full() {}, ask() {},
  };
  return { viewer, actions: viewActions(viewer) };
}

test('Escape closes what is open, lets the active pin go, then all; a key in between starts anew', () => {
  const { viewer, actions } = acted({ ...three, drawer: 'equation' });
  const pressed = () => { actions.escape(); return [viewer.state.drawer, letters(viewer.state)]; };
  assert.deepEqual([pressed(), pressed(), pressed()], [['none', 'ABC'], ['none', 'AB'], ['none', '']]);
  viewer.state = three;
  actions.escape();
  actions.activate(0);
  actions.escape();
  assert.equal(letters(viewer.state), 'B');
  actions.unpin();
  assert.equal(letters(viewer.state), '');
});

test('words say why there is no sixth', () => {
  const { viewer, actions } = acted(start);
  for (let x = 1; x <= 5; x++) actions.pin(0, x);
  assert.deepEqual(viewer.said, []);
  actions.pin(3, 3);
  actions.another();
  assert.deepEqual(viewer.said, [FULL, FULL]);
  actions.unpin(1);
  actions.another();
  assert.deepEqual([letters(viewer.state), letterOf(viewer.state), viewer.said.length], ['ABCDE', 'B', 2]);
});

test('links hold pins by letter, in cells of their block', () => {
  const free = withoutLetter(three, trace, 1);
  assert.equal(encodeLink({}, three), 't=1&y=6&x=10&p=1&pins=3,5;1,2;6,10');
  assert.equal(encodeLink({}, free), 't=1&y=6&x=10&p=1&pins=3,5;;6,10');
  const deeper = withBlock(three, trace, 1);
  assert.match(encodeLink({}, deeper), /^b=1&.*&pins=3,5,0;1,2,0;6,10,0$/);
  for (const state of [three, free, deeper, withActive(three, trace, 1), pinAll(start, [3, 5])]) {
    assert.deepEqual(withLink(start, trace, decodeLink(encodeLink({}, state))), state);
  }
  assert.deepEqual(pinsByLetter(withLink(start, trace, decodeLink('pins=2,3;4,5')), trace), { A: [2, 3], B: [4, 5] });
});

for (const [text, wanted, words] of [
  ['pins=0,1;0,2;0,3;0,4;0,5;0,6', 'ABCDE', /pins 6 places, of which 5 can be shown/],
  ['pins=0,1;99,0;0,3', 'AC', /pins 3 places, of which 2/],
  ['pins=x,y;-1,2;1e1,0;0.5,1;__proto__;1,1,9', '', /pins 6 places, of which 0/],
  [`pins=${'1,1;'.repeat(300)}`, 'ABCDE', /of which 5/],
  ['pins=;;;', '', null],
  ['pins=1,1', 'A', null],
]) {
  test(`a hostile or too long list of pins is refused with words: ${text.slice(0, 40)}`, () => {
    const link = decodeLink(text) ?? { fields: {}, asked: 0 };
    const state = withLink(start, trace, link);
    assert.equal(letters(state), wanted);
    if (words) assert.match(pinsLeftOut(link.asked, state), words);
    else assert.equal(pinsLeftOut(link.asked, state), '');
  });
}

test('a locked cell locks pins', () => {
  assert.deepEqual(keepLocked(three, withoutPin(three, trace), ['cell'], trace), three);
});

test('hosts give and take pins by letter; nonsense is no pin', () => {
  const given = readByLetter({ B: [1, 2], A: [3, 5], Z: [0, 0], C: [1], D: 'ab', E: [99, 0] }, 0);
  assert.deepEqual(pinsByLetter(withPins(start, trace, given, false), trace), { A: [3, 5], B: [1, 2] });
  for (const odd of [null, 3, 'A', []]) assert.deepEqual(withPins(start, trace, readByLetter(odd, 0), false).pins, []);
});

const view = wholeView(trace.blocks[0], 400);
const tags = marks => marks.filter(mark => mark.kind === 'tag');
const colours = marks => new Set(marks.flatMap(mark => (mark.kind === 'stroke' ? mark.parts.map(part => part.colour) : [])));

test('every pin is drawn in its colour with its letter in both frames, the active one largest and on top', () => {
  const { query, key, close: closeUp } = cellMarks(view, view, show(three), 1);
  for (const marks of [query, key]) {
    assert.deepEqual(tags(marks).map(({ text, colour }) => [text, colour]), [['A', PINS[0]], ['B', PINS[1]], ['C', PINS[2]]]);
    assert.ok(tags(marks)[2].size > tags(marks)[0].size);
    for (const colour of PINS.slice(0, 3)) assert.ok(colours(marks).has(colour), colour);
  }
  assert.equal(tags(closeUp).length, 0);
  const small = key.filter(mark => mark.kind === 'disc').slice(0, 18);
  const reads = [[3, 5], [1, 2]].map(([y, x]) => readout(trace.blocks[0], 1, y, x));
  assert.deepEqual(small.map(disc => disc.weight), reads.flatMap(read => read.weights));
  const ends = query.filter(mark => mark.kind === 'stroke' && mark.parts[0].path.shape === 'arrows').map(mark => mark.parts[0]);
  const [dy, dx] = reads[0].displacement;
  assert.equal(ends[0].colour, PINS[0]);
  close(ends[0].path.ends, [...view.px(3, 5), ...view.px(3 + dy, 5 + dx)], 1e-9);
});

test('tags stay within the picture', () => {
  for (const cell of [{ y: 0, x: 0 }, { y: 6, x: 10 }]) {
    const near = { ...view, px: (y, x) => [x * 40, y * 66] };
    const { x, y, size } = tagMark(near, cell, 0, 2);
    assert.ok(x >= 0 && y >= 0 && x + size <= 400 && y + size <= 400, `${x} ${y}`);
  }
});

test('tracks of all pins, in pictures and chart', () => {
  const shown = show({ ...three, pair: 0, overlay: 'track' });
  assert.equal(shown.pins.filter(pin => pin.track).length, 3);
  const { query } = cellMarks(view, null, shown, 1);
  const paths = query.filter(mark => mark.kind === 'stroke' && mark.parts[0].path.shape === 'lines').map(mark => mark.parts[0].colour);
  for (const colour of PINS.slice(0, 3)) assert.ok(paths.includes(colour), colour);
  const chart = trackChart(shown.track, shown.rigid, trace.blocks[0], shown.pins);
  assert.equal(chart.match(/sifa-other/g).length, 4);
  const [y, x] = shown.pins[1].track.at(-1).place;
  assert.ok(chart.includes(`y ${y.toFixed(2)}, x ${x.toFixed(2)}`));
});

test('words name the active pin, the others, and where each went', () => {
  const frames = [{ first: 2, end: 4 }, { first: 4, end: 6 }];
  assert.match(caption(trace, three, ...frames),
    /Query cell y 6, x 10, pinned as C\. Mean displacement, in cells: C y 6, x 10: .*; A y 3, x 5: .*; B y 1, x 2: [\d.]+ \w+, [\d.]+ \w+\.$/);
  assert.match(readoutSpeech(show(three).read, trace, three), /row 6, column 10, pinned as C of the pins A, B, C\. Attention went/);
  assert.match(neighbourTable(show(three).read, trace.blocks[0], 1, 'C'), /Neighbours of pin C, cell y 6/);
  const ways = [[0, 1], [1, 1], [1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1], [0, 0.01]].map(compass);
  assert.deepEqual(ways, ['→', '↘', '↓', '↙', '←', '↖', '↑', '↗', '·']);
});

test('files hold every pin: a column in CSV, a list in JSON, letters in SVG', async () => {
  const now = { trace, images: Array(8).fill({ width: 96, height: 60 }), state: three };
  const file = async name => { const { file: title, blob } = await EXPORTS[name].make(now); return [title, await blob.text()]; };
  const [title, table] = await file('cell');
  assert.equal(title, 'made_block1_step2_pins_ABC.csv');
  const rows = table.trim().split('\n').slice(1).map(row => row.split(','));
  assert.deepEqual(rows[0].slice(0, 4), ['pin', 'y', 'x', 'neighbour']);
  assert.deepEqual(rows.slice(1).map(row => row.slice(0, 3).join()), ['A,3,5', 'B,1,2', 'C,6,10'].flatMap(cell => Array(9).fill(cell)));
  const [, text] = await file('json');
  const { cells } = JSON.parse(text);
  assert.deepEqual(cells.map(each => [each.pin, each.active, each.y, each.x]), [['A', false, 3, 5], ['B', false, 1, 2], ['C', true, 6, 10]]);
  const read = readout(trace.blocks[0], 1, 1, 2);
  assert.deepEqual(cells[1].displacement, read.displacement);
  assert.deepEqual(cells[1].neighbours.map(each => each.point_y), read.points.map(point => point[0]));
  const alone = await EXPORTS.json.make({ ...now, state: { ...start, reverse: true, y: 2, x: 2 } });
  assert.ok(Array.isArray(JSON.parse(await alone.blob.text()).readers));
  assert.equal(alone.file, 'made_block1_step2_readers_y2_x2.json');
  const { query, key } = pairMarks(trace, three, 480);
  const markup = svgMarks([...query, ...key].filter(mark => mark.kind === 'tag'), {});
  assert.deepEqual(markup.match(/>[A-E]<\/text>/g), ['>A</text>', '>B</text>', '>C</text>', '>A</text>', '>B</text>', '>C</text>']);
});

/** sRGB as light. */
const linear = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255)
  .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
const by = (matrix, v) => matrix.map(row => row.reduce((sum, m, i) => sum + m * v[i], 0));
const VISION = { // Machado, Oliveira and Fernandes 2009, all cones of one kind missing
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** L*, a*, b* of light. */
function lab(light) {
  const xyz = by([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], light.map(c => Math.max(0, Math.min(1, c))));
  const [x, y, z] = xyz.map((v, i) => v / [0.95047, 1, 1.08883][i]).map(v => (v > 0.008856 ? Math.cbrt(v) : 7.787 * v + 16 / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

for (const [name, matrix] of Object.entries(VISION)) {
  test(`pins are told apart by colour with ${name} vision, and their letters are read`, () => {
    const seen = PINS.map(hex => lab(by(matrix, linear(hex))));
    seen.forEach((a, i) => seen.slice(i + 1).forEach((b, k) => {
      const apart = Math.hypot(...a.map((v, axis) => v - b[axis]));
      assert.ok(apart > 15, `${PINS[i]} and ${PINS[i + 1 + k]}: ${apart}`);
    }));
    for (const hex of PINS) assert.ok((0.2126 * linear(hex)[0] + 0.7152 * linear(hex)[1] + 0.0722 * linear(hex)[2] + 0.05) / 0.05 >= 4.5, hex);
  });
}
