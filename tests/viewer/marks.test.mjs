// The lists of marks: what lies where, from the numbers of the trace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markAt, litMarks } from '../../sifa/explorer/viewer/marks/lit.mjs';
import { cellMarks, closeGround, fieldMarks, pairMarks } from '../../sifa/explorer/viewer/marks/list.mjs';
import { GHOST, KEY, QUERY, TRACK, TRUE, sectorColour, sectorOf } from '../../sifa/explorer/viewer/marks/palette.mjs';
import { neighbourMarks, spotsOf } from '../../sifa/explorer/viewer/marks/points.mjs';
import { emptyState, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { arrowField, readersOf } from '../../sifa/explorer/viewer/trace/fields.mjs';
import { closeView, readout, wholeView } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { amountOf, evenness, nearlyEven } from '../../sifa/explorer/viewer/trace/terms.mjs';
import { attentionTrack } from '../../sifa/explorer/viewer/trace/tracks.mjs';
import { close, compared } from './made.mjs';

const trace = compared();
const [first] = trace.blocks;
const SIDE = 400;
const view = wholeView(first, SIDE);
const at = (y, x) => ({ ...withTrace(emptyState(), trace, null), y, x, pair: 1, pinned: true });

function shown(state, more = {}) {
  return {
    trace, state, read: readout(first, state.pair, state.y, state.x), readers: null, track: null, rigid: null, pins: [], tap: 0, lit: '', ...more,
  };
}

const kinds = marks => marks.map(mark => mark.kind);
const strokes = marks => marks.filter(mark => mark.kind === 'stroke');
const discs = marks => marks.filter(mark => mark.kind === 'disc');

test('the neighbours of a cell: offsets, points by weight, crosses, and the mean', () => {
  const about = shown(at(3, 5));
  const { query, key, close: closeUp } = cellMarks(view, closeView(first, 200, 3, 5), about, 1);
  const points = discs(key);
  assert.equal(points.length, 9);
  const sorted = [...about.read.weights].sort((a, b) => Math.abs(b) - Math.abs(a));
  assert.deepEqual(points.map(disc => disc.weight), sorted); // large ones below
  for (const disc of points) {
    const tap = about.read.weights.indexOf(disc.weight);
    const place = view.px(...about.read.points[tap]).map(v => Math.max(6, Math.min(SIDE - 6, v)));
    close([disc.x, disc.y], place, 1e-9);
    assert.equal(disc.edge, QUERY);
    assert.deepEqual([disc.fill === null, Boolean(disc.dash)], [about.read.outside[tap], about.read.outside[tap]]);
  }
  const negative = about.read.weights.filter((w, tap) => w < 0 && !about.read.outside[tap]).length;
  assert.ok(negative > 0);
  // the faint query, the offsets, a minus for each weight below 0, the crosses, and the arrow
  assert.equal(strokes(key).length, 4 + negative);
  assert.equal(strokes(key)[1].parts[0].path.lines.length, 9);
  assert.equal(strokes(key).at(-2).parts[0].path.lines.length, 18);
  const arrow = strokes(key).at(-1).parts[0];
  assert.equal(arrow.colour, KEY);
  const [dy, dx] = about.read.displacement;
  close(arrow.path.ends, [...view.px(3, 5), ...view.px(3 + dy, 5 + dx)], 1e-9);
  assert.deepEqual(kinds(query), ['stroke', 'stroke']);
  assert.deepEqual([query[0].parts[0].colour, query[0].width], [QUERY, 3]); // pinned
  assert.equal(discs(closeUp).filter(disc => disc.weight !== undefined).length, 9);
});

test('sizes of marks follow the pixels of the screen', () => {
  const [one, two] = [1, 2].map(ratio => cellMarks(wholeView(first, ratio * SIDE), null, shown(at(3, 5)), ratio).key);
  assert.deepEqual(kinds(one), kinds(two));
  one.forEach((mark, i) => {
    close([two[i].width], [2 * mark.width], 1e-9);
    if (mark.kind === 'disc') close([two[i].radius, two[i].x], [2 * mark.radius, 2 * mark.x], 1e-9);
  });
});

test('only the close-up lets points lie off its edge', () => {
  const about = shown(at(0, 0));
  const near = closeView(first, 24, 0, 0); // its edge is nearer than 6 pixels to some points
  const { key, close: closeUp } = cellMarks(view, near, about, 1);
  assert.ok(discs(key).every(({ x, y }) => x >= 6 && y >= 6 && x <= SIDE - 6 && y <= SIDE - 6));
  const homes = spotsOf(near, about.read, 1, false).flatMap(({ home }) => home);
  close(homes, about.read.points.flatMap(point => near.px(...point)), 1e-9);
  assert.ok(homes.some(v => v < 6 || v > 18));
  assert.ok(discs(key).some(disc => disc.fill === null)); // outside the frame
});

/** A read-out with these weights, all points but the last ones in one place. */
const weighing = weights => ({
  ...readout(first, 1, 3, 5), weights, outside: weights.map(() => false), points: weights.map((_, tap) => [3, tap < 6 ? 5 : tap - 2]),
});

test('a disc is full above 1.15 of its even share, half full to 0.85, hollow below; its area follows the share', () => {
  const read = weighing([-3, 1.1, 1, 1, 1, 1, 0.6, 0.2, 0.1]);
  assert.deepEqual(evenness(read).map(amountOf), ['more', 'even', 'even', 'even', 'even', 'even', 'less', 'less', 'less']);
  assert.deepEqual([1.16, 1.15, 0.85, 0.84].map(amountOf), ['more', 'even', 'even', 'less']);
  const drawn = discs(neighbourMarks(view, read, 1, true, QUERY)).sort((a, b) => a.weight - b.weight);
  assert.deepEqual(drawn.filter(disc => disc.half).map(disc => disc.weight), [1, 1, 1, 1, 1.1]);
  assert.deepEqual([drawn[0].fill, drawn[0].half], [QUERY, undefined]); // by its size, whatever its sign
  assert.ok(drawn.filter(disc => disc.weight < 0.85 && disc.weight > 0).every(disc => disc.fill !== QUERY && !disc.half));
  close([(drawn[0].radius / drawn.at(-1).radius) ** 2], [3 / 1.1], 1e-9);
});

test('nearly even is within 35 % of an even share; without any weight all are even', () => {
  assert.ok(nearlyEven(evenness({ weights: [1.2, 1, 1, 0.8] })));
  assert.ok(!nearlyEven(evenness({ weights: [2, 1, 1, 1] })));
  assert.ok(!nearlyEven(evenness({ weights: [0.5, 1, 1, 1] })));
  assert.deepEqual(evenness({ weights: [0, 0] }), [1, 1]);
});

test('overlapping discs are pushed apart in the close-up, with lines to their places, and answer there', () => {
  const near = closeView(first, 280, 3, 5);
  for (const read of [weighing([1, 2, 1, 1, 1, 1, 1, 0.5, 1]), readout(first, 1, 3, 5), readout(first, 2, 0, 0)]) {
    const spots = spotsOf(near, read, 1, false);
    spots.forEach((a, i) => spots.slice(0, i).forEach(b => assert.ok(Math.hypot(a.x - b.x, a.y - b.y) >= a.radius + b.radius)));
    assert.deepEqual(spotsOf(near, read, 1, false), spots); // the same every time
    const moved = spots.filter(({ x, y, home }) => Math.hypot(x - home[0], y - home[1]) > 2);
    const leaders = strokes(neighbourMarks(near, read, 1, false, QUERY)).filter(mark => mark.parts[0].colour === QUERY);
    assert.equal(leaders.flatMap(mark => mark.parts[0].path.lines).length, moved.length);
    spots.forEach(({ x, y }, tap) =>
      assert.deepEqual(markAt(near, first, read, 0, true, x, y, 12, spots), { term: 'point', tap }));
  }
  const spots = spotsOf(near, weighing(Array(9).fill(1)), 1, false);
  assert.ok(spots.some(({ x, y, home }) => Math.hypot(x - home[0], y - home[1]) > 5));
});

test('the reverse question shows its readers, the greatest on top, and no neighbours', () => {
  const state = { ...at(3, 5), reverse: true };
  const readers = readersOf(first, 1, 3, 5);
  const { query, key } = cellMarks(view, null, shown(state, { readers }), 1);
  assert.deepEqual(discs(query).map(disc => disc.weight), readers.map(reader => reader.weight).reverse());
  assert.equal(query.at(-1).parts[0].colour, KEY);
  assert.deepEqual(kinds(key), ['stroke']);
  close([discs(query).at(-1).radius], [0.46 * Math.min(view.cw, view.ch)], 1e-9);
});

test('the field: every n-th arrow, dots where it stays, heat and true motion below', () => {
  const state = { ...at(3, 5), flow: true, overlay: 'saliency', density: 'sparse' };
  const field = arrowField(first, 1, 'displacement');
  field.fill(0, 0, 2); // the first cell stays
  const heat = { map: new Float32Array(77), most: 1, words: '' };
  const marks = fieldMarks(view, trace, { ...state, density: 'medium' }, heat, field, 1);
  assert.deepEqual(kinds(marks), ['heat', 'stroke', 'stroke', 'dots']);
  assert.equal(marks[1].parts[0].colour, TRUE);
  const visible = trace.true_flow[0].visible.subarray(77, 154).filter(Boolean).length;
  assert.equal(marks[1].parts[0].path.ends.length, 4 * visible);
  const ends = marks[2].parts.flatMap(({ path }) => path.ends);
  assert.equal(ends.length / 4 + marks[3].points.length / 2, 77);
  close(marks[3].points.slice(0, 2), view.px(0, 0), 1e-9);
  const fewer = fieldMarks(view, trace, { ...state, flow: false }, null, field, 1);
  assert.ok(fewer[0].parts.flatMap(({ path }) => path.ends).length < ends.length);
  assert.deepEqual(fieldMarks(view, trace, { ...state, flow: false }, null, null, 1), []);
  assert.deepEqual([marks[0].rows, marks[0].columns], [7, 11]);
});

test('colours tell directions apart', () => {
  const state = { ...at(3, 5), tinted: true };
  const [stroke] = fieldMarks(view, trace, state, null, arrowField(first, 1, 'displacement'), 1);
  for (const { path: { ends }, colour } of stroke.parts) {
    for (let i = 0; i < ends.length; i += 4) {
      // pixels of a cell are not square here, so directions are taken in cells
      const [dy, dx] = [(ends[i + 3] - ends[i + 1]) / view.ch, (ends[i + 2] - ends[i]) / view.cw];
      const sector = Math.atan2(dy, dx) / (2 * Math.PI) * 16;
      if (Math.abs(Math.abs(sector % 1) - 0.5) > 1e-3) assert.equal(colour, sectorColour(sectorOf(dy, dx)));
    }
  }
  assert.deepEqual([sectorOf(0, 1), sectorOf(1, 0), sectorOf(0, -1), sectorOf(-1, 0)], [0, 4, 8, 12]);
});

test('a what-if is dashed over both frames; a track takes the place of the arrow', () => {
  const ghostly = cellMarks(view, null, shown({ ...at(3, 5), whatIf: 'rigid' }), 1);
  assert.equal(ghostly.query.at(-1).parts.length, 1);
  assert.equal(ghostly.key.at(-1).parts.length, 10);
  assert.ok(ghostly.key.at(-1).parts.every(part => part.colour === GHOST));
  assert.ok(ghostly.key.at(-1).dash.length);
  const track = attentionTrack(first, 0, 3, 5), rigid = attentionTrack(first, 0, 3, 5, true);
  const { query } = cellMarks(view, null, shown({ ...at(3, 5), pair: 0 }, { track, rigid }), 1);
  assert.deepEqual(kinds(query).slice(0, 3), ['ellipses', 'stroke', 'stroke']);
  assert.deepEqual([query[1].casing.dash, query[2].casing.dash], [[4, 4], []]);
  assert.equal(query[2].parts[0].colour, TRACK);
  assert.equal(query[0].ellipses.length, track.length - 1);
  assert.ok(!query.some(mark => mark.kind === 'stroke' && mark.parts[0].colour === KEY));
});

test('terms of the equation light up what they stand for', () => {
  const about = shown(at(3, 5));
  const shape = (lit, next) => litMarks(view, first, about.read, 2, lit, next, 1)
    .flatMap(({ parts }) => parts.map(({ path }) => `${path.shape}${path.rects?.length ?? ''}`)).join();
  assert.deepEqual(['query', 'output', 'difference', 'displacement', 'gate', 'offset', 'point'].map(lit => shape(lit, false)),
    ['rects1', 'rects1', 'rects1', 'lines', '', '', '']);
  assert.deepEqual(['query', 'gate', 'offset', 'tap', 'point', 'corner0', 'value', 'weight', 'share', 'displacement'].map(lit => shape(lit, true)),
    ['', 'rects9', 'lines', 'circle', 'circle', 'rects1', 'rects4', 'circle', 'circle', 'lines']);
});

test('the mark under the pointer is the nearest within reach, then a corner, then the query', () => {
  const near = closeView(first, 700, 3, 5);
  const read = readout(first, 1, 3, 5);
  const under = ([y, x], tap = 0) => markAt(near, first, read, tap, true, ...near.px(y, x), 12);
  const end = [3 + read.displacement[0], 5 + read.displacement[1]];
  assert.deepEqual(under(read.points[4]), { term: 'point', tap: 4 });
  assert.deepEqual(under(read.taps[7]), { term: 'tap', tap: 7 });
  assert.deepEqual(under([0, 1].map(axis => (read.points[2][axis] + read.taps[2][axis]) / 2)), { term: 'offset', tap: 2 });
  assert.deepEqual(under(end), { term: 'displacement', tap: null });
  const places = Array.from({ length: 400 }, (_, i) => [1 + (i % 20) / 5, 3 + Math.floor(i / 20) / 5]);
  const terms = new Set(places.map(place => under(place)?.term));
  for (const term of ['corner0', 'corner1', 'corner2', 'corner3', undefined]) assert.ok(terms.has(term), term);
  const onQuery = markAt(view, first, read, 0, false, ...view.px(3.4, 5.4), 1);
  assert.deepEqual(onQuery, { term: 'query', tap: null });
  assert.equal(markAt(view, first, read, 0, false, ...view.px(0, 0), 1), null);
});

test('whole pictures begin with ground and frame, hatched where there is no picture', () => {
  const { query, key } = pairMarks(trace, { ...at(3, 5), overlay: 'track', flow: true, whatIf: 'rigid' }, 480);
  for (const [marks, index] of [[query, 3], [key, 5]]) {
    assert.deepEqual(kinds(marks).slice(0, 3), ['ground', 'stroke', 'picture']);
    assert.equal(marks[2].index, index);
    assert.deepEqual(marks[2].box, { top: 4, left: 20, side: 56 });
    close([marks[2].x, marks[2].y, marks[2].width], [28.8, 28.8, 480 * 0.88], 1e-9);
  }
  assert.ok(![...query, ...key].some(mark => ['heat', 'ellipses'].includes(mark.kind)));
  assert.ok(![...query, ...key].some(mark => mark.kind === 'stroke' && [TRUE, GHOST].includes(mark.parts[0]?.colour)));
  const inside = closeGround(closeView(first, 200, 3, 5), trace, at(3, 5), 1);
  assert.deepEqual(kinds(inside), ['ground', 'picture', 'stroke']); // the frame fills the window
  assert.equal(inside[1].smoothing, 'low');
});

test('lists are plain data', () => {
  const { query, key } = pairMarks(trace, at(3, 5), 480);
  for (const marks of [query, key]) assert.deepEqual(JSON.parse(JSON.stringify(marks)), marks);
});
