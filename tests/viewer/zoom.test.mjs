// Both pictures enlarged: about which place, how far, and what is drawn of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellMarks, fieldMarks } from '../../sifa/explorer/viewer/marks/list.mjs';
import { viewActions } from '../../sifa/explorer/viewer/state/actions.mjs';
import { decodeLink, encodeLink, withLink } from '../../sifa/explorer/viewer/state/link.mjs';
import { shownOf } from '../../sifa/explorer/viewer/state/shown.mjs';
import { emptyState, withCell, withPin, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { withCellSeen, withPan, withZoom, withZoomHere, withoutZoom } from '../../sifa/explorer/viewer/state/zoom.mjs';
import { arrowField } from '../../sifa/explorer/viewer/trace/fields.mjs';
import { MARGIN, wholeView, zoomedView } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { close, compared, made, block } from './made.mjs';

const trace = compared();
const [first] = trace.blocks;
const SIDE = 400;
const start = { ...withTrace(emptyState(), trace, null), y: 3, x: 5 };
const view = state => zoomedView(first, SIDE, state);

test('what lies under the pointer stays there, at the edge too as far as the picture goes', () => {
  for (const [down, across] of [[0.5, 0.5], [0.3, 0.8], [0.05, 0.9]]) {
    let state = start;
    const [y, x] = [0, 1].map(axis => [down, across][axis] * SIDE);
    const place = state => [view(state).px(0, 0), view(state)];
    const under = at => { const [origin, { ch, cw }] = place(at); return [(y - origin[1]) / ch, (x - origin[0]) / cw]; };
    const before = under(state);
    for (const factor of [1.3, 1.7, 2, 0.8, 1.1]) {
      state = withZoom(state, factor, down, across);
      close(under(state), before, 0.02);
    }
  }
});

test('from 1 to 8 times, and never beyond the picture', () => {
  assert.equal(withZoom(start, 100).zoom, 8);
  assert.deepEqual(withZoom(withZoom(start, 4, 0, 0), 0.01), start);
  assert.deepEqual(withoutZoom(withZoom(start, 4, 0.1, 0.9)), start);
  const corner = withPan(withZoom(start, 4), 9, -9);
  assert.deepEqual([corner.midY, corner.midX], [0.125, 0.875]);
  const [x, y] = view(corner).px(...wholeView(first, SIDE).cell(SIDE, 0));
  assert.ok(x < SIDE && y > 0);
  const moved = withPan(withZoom(start, 2), 0.1, -0.2);
  close([moved.midY, moved.midX], [0.45, 0.6], 1e-9);
});

test('at 1 the view is the whole one, to the last digit', () => {
  assert.deepEqual([view(start).px(2, 3), view(start).cell(77, 99)], [wholeView(first, SIDE).px(2, 3), wholeView(first, SIDE).cell(77, 99)]);
  const near = view(withZoom(start, 2));
  close([near.cw, near.ch], [2 * wholeView(first, SIDE).cw, 2 * wholeView(first, SIDE).ch], 1e-9);
});

test('keys enlarge about the cell and keep it in view', () => {
  const at = { ...start, y: 0, x: 10 };
  let state = at;
  for (let i = 0; i < 6; i++) state = withZoomHere(state, trace, 1.5, MARGIN);
  assert.equal(state.zoom, 8);
  const seen = state => view(state).px(state.y, state.x).every(v => v >= 0 && v <= SIDE);
  assert.ok(seen(state));
  const moved = { ...state, y: 6, x: 0 };
  assert.ok(!seen(moved));
  assert.ok(seen(withCellSeen(moved, trace, MARGIN)));
  assert.equal(withCellSeen(start, trace, MARGIN), start);
});

test('Escape shows the whole before it lets pins go', () => {
  const viewer = {
    state: withZoom(withPin(start, trace, 3, 4), 2), trace, tap: 0, width: 460, set(next) { viewer.state = next; }, play() {},
    light() {}, help() {}, say() {}, full() {},
  };
  const actions = viewActions(viewer);
  actions.escape();
  assert.deepEqual([viewer.state.zoom, viewer.state.pinned], [1, true]);
  actions.escape();
  assert.equal(viewer.state.pinned, false);
  actions.closer();
  assert.equal(viewer.state.zoom, 1.5);
  actions.farther();
  assert.equal(viewer.state.zoom, 1);
});

test('a link holds the zoom; nonsense is none, and another clip is shown whole', () => {
  const state = withCell(withZoom(start, 3, 0.2, 0.7), trace, 2, 2);
  assert.match(encodeLink({}, state), /zoom=3&midY=0\.\d{1,4}&midX=0\.\d{1,4}$/);
  assert.deepEqual(withLink(start, trace, decodeLink(encodeLink({}, state))), state);
  for (const text of ['zoom=0&y=1', 'zoom=-3', 'zoom=2&midY=-1', 'zoom=NaN&b=0']) {
    const link = withLink(start, trace, decodeLink(text) ?? { fields: {} });
    assert.deepEqual([link.zoom, link.midY, link.midX], [1, 0.5, 0.5], text);
  }
  const far = withLink(start, trace, decodeLink('zoom=99&midY=5&midX=0'));
  assert.deepEqual([far.zoom, far.midY, far.midX], [8, 0.9375, 0.0625]);
  const other = made([block()], { clip: { ...trace.clip, name: 'other.mp4' } });
  assert.equal(withTrace(state, other, trace).zoom, 1);
});

test('enlarged, arrows are as close on the screen as before, and those out of view are not drawn', () => {
  const field = arrowField(first, 1, 'displacement').fill(1);
  const count = (state, side) => fieldMarks(zoomedView(first, side, state), trace, state, null, field, 1)[0]
    .parts.reduce((sum, { path }) => sum + path.ends.length / 4, 0);
  const small = 120;
  assert.ok(count(start, small) < 77);
  assert.ok(count(withZoom(start, 8), SIDE) < 30);
});

test('points out of an enlarged view are not put at its edge', () => {
  const state = withZoom(start, 8, 0, 0);
  const shown = shownOf(trace, [], state, null, field());
  const { key } = cellMarks(view(state), null, shown, 1);
  const discs = key.filter(mark => mark.kind === 'disc' && mark.weight !== undefined);
  close(discs.map(disc => disc.x).sort(), shown.read.points.map(point => view(state).px(...point)[0]).sort(), 1e-9);
  assert.ok(discs.some(disc => disc.x > SIDE));
});

/** Arrows of no length. */
function field() { return new Float32Array(2 * 77); }
