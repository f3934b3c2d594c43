// What is shown, as plain data, and how keys, menus and pointers change it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureOf } from '../../sifa/explorer/viewer/marks/list.mjs';
import { viewActions } from '../../sifa/explorer/viewer/state/actions.mjs';
import { openPanel } from '../../sifa/explorer/viewer/state/panel.mjs';
import { shownOf } from '../../sifa/explorer/viewer/state/shown.mjs';
import {
  SETTINGS, emptyState, framesEach, withBlock, withCell, withNextFrame, withPair, withPin, withSetting, withTap, withTrace, withWhatIf,
  withoutPin,
} from '../../sifa/explorer/viewer/state/state.mjs';
import { anyChange, changeOf, changeWords, comparedBest, titleOf, underTitle } from '../../sifa/explorer/viewer/state/answers.mjs';
import { chosenWhatIf, ghostOf, whatIfAfter, whatIfWords } from '../../sifa/explorer/viewer/state/whatif.mjs';
import { arrowField, readersOf } from '../../sifa/explorer/viewer/trace/fields.mjs';
import { displacementField, liveliestCell, readout } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { strongestTap } from '../../sifa/explorer/viewer/trace/terms.mjs';
import { attentionTrack } from '../../sifa/explorer/viewer/trace/tracks.mjs';
import { block, compared, made, twoAnswers } from './made.mjs';

const trace = compared(); // blocks of 7 x 11 and 4 x 6 cells, 3 pairs
const start = withTrace(emptyState(), trace, null);

test('a first trace opens in the middle of time, at a cell away from the border', () => {
  assert.equal(start.pair, 1);
  assert.equal(start.block, 0);
  assert.ok(start.y >= 0 && start.y < 7 && start.x >= 0 && start.x < 11);
});

test('a first trace opens on the block that it names, and another one does not change the block', () => {
  const named = made([block(), block({ height: 4, width: 6 })], { opens_on: 1 });
  const opened = withTrace(emptyState(), named, null);
  assert.deepEqual([opened.block, opened.y < 4, opened.x < 6], [1, true, true]);
  assert.equal(withTrace(start, named, trace).block, 0);
});

test('the same clip by other weights keeps the view where it makes sense', () => {
  const other = made([block({ height: 14, width: 22 })]);
  const before = { ...start, block: 1, pair: 2, y: 3, x: 5, whatIf: 'rigid', tap: 4, playing: true, tour: 3 };
  const next = withTrace(before, other, trace);
  assert.deepEqual([next.block, next.pair, next.y, next.x], [0, 2, 12, 20]);
  assert.deepEqual([next.whatIf, next.tap, next.playing, next.tour], ['', 4, false, -1]);
  assert.equal(withTrace(before, compared(), trace).whatIf, 'rigid');
});

test('another clip opens in the middle where most moves, without a what-if; a pinned cell stays', () => {
  const other = { ...compared(), clip: { ...trace.clip, name: 'other.mp4' } };
  const before = { ...start, pair: 2, y: 0, x: 0, whatIf: 'rigid', zoom: 2, reverse: true };
  const next = withTrace(before, other, trace);
  assert.deepEqual([next.pair, next.y, next.x, next.led, next.reverse], [1, start.y, start.x, true, false]);
  assert.deepEqual([next.whatIf, next.zoom], ['', 1]);
  const pinned = withPin({ ...start, whatIf: 'rigid' }, trace, 6, 10);
  const kept = withTrace(pinned, other, trace);
  assert.deepEqual([kept.y, kept.x, kept.pinned, kept.led, kept.whatIf], [6, 10, true, false, '']);
});

test('while it plays, the query is where most moves, until a cell is chosen', () => {
  const block0 = trace.blocks[0];
  const best = pair => liveliestCell(block0, displacementField(block0, pair));
  const last = framesEach(trace, 0) - 1;
  const next = withNextFrame({ ...start, beat: last }, trace);
  assert.deepEqual([next.pair, next.y, next.x], [2, ...best(2)]);
  const chosen = withNextFrame({ ...withCell(start, trace, 0, 0), beat: last }, trace);
  assert.deepEqual([chosen.pair, chosen.y, chosen.x, chosen.led], [2, 0, 0, false]);
});

test('while it plays, every sampled frame has its turn, and a pause shows those of the step', () => {
  const clip = made([block()]); // eight frames, two to a step
  let state = { ...withTrace(emptyState(), clip, null), pair: 0, playing: true };
  const seen = [];
  for (let i = 0; i < 7; i += 1, state = withNextFrame(state, clip)) seen.push([state.pair, state.beat, pictureOf(clip, state, state.pair)]);
  assert.deepEqual(seen, [[0, 0, 1], [0, 1, 2], [1, 0, 3], [1, 1, 4], [2, 0, 5], [2, 1, 6], [0, 0, 1]]);
  assert.equal(pictureOf(clip, { ...state, beat: 1, playing: false }, 2), 5);
  assert.equal(pictureOf(clip, { ...state, beat: 1 }, 3), 7); // there is no frame after the last
});

test('one drawer is open at a time, and what is asked of Inside opens it', () => {
  const { viewer, actions } = acted();
  const open = act => { act(); return openPanel(viewer.state); };
  assert.deepEqual([open(actions.inside), open(actions.experiment), open(actions.equation)], ['inside', 'experiment', 'inside']);
  assert.deepEqual([open(() => actions.panel('experiment')), viewer.state.drawer], ['experiment', 'none']);
  assert.equal(open(() => actions.panel('none')), 'none');
  assert.deepEqual([open(actions.inside), open(actions.sheet)], ['inside', 'inside']);
  assert.deepEqual([open(actions.escape), viewer.state.drawer, open(actions.escape)], ['inside', 'none', 'none']);
});

test('whoever goes to a step stays there', () => {
  const { viewer, actions } = acted({ ...start, playing: true });
  actions.next();
  assert.deepEqual([viewer.state.pair, viewer.state.playing], [2, false]);
});

test('the tour of a clip that has none is asked of the host', () => {
  const { viewer, actions } = acted();
  actions.tour();
  assert.deepEqual([viewer.asked, viewer.state.tour], [['tour'], -1]);
});

test('a state from elsewhere is settled', () => {
  const odd = { ...emptyState(), overlay: 'nonsense', density: 3, speed: 100, tap: 77, arrows: 'offset', whatIf: 'gone' };
  const { overlay, density, speed, tap, arrows, whatIf } = withTrace(odd, trace, null);
  assert.deepEqual({ overlay, density, speed, tap, arrows, whatIf },
    { overlay: 'none', density: 'medium', speed: 1, tap: -1, arrows: 'offset', whatIf: '' });
});

test('settings are plain data within their lists', () => {
  const first = emptyState();
  assert.deepEqual(JSON.parse(JSON.stringify(first)), first);
  for (const [name, list] of Object.entries(SETTINGS)) {
    assert.equal(first[name], list[0]);
    for (const value of list) assert.equal(withSetting(first, name, value)[name], value);
  }
  for (const [name, value] of [['overlay', 'nonsense'], ['block', 3], ['toString', 1], ['speed', '1']]) {
    assert.equal(withSetting(first, name, value), first);
  }
});

test('time, block and cell stay within the trace', () => {
  assert.deepEqual([-5, 0, 2, 9].map(pair => withPair(start, trace, pair).pair), [0, 0, 2, 2]);
  const at = withCell(start, trace, 5, 9);
  const deeper = withBlock(at, trace, 7);
  assert.deepEqual([deeper.block, deeper.y, deeper.x], [1, 3, 5]);
  assert.deepEqual([withCell(start, trace, -3, 99).y, withCell(start, trace, -3, 99).x], [0, 10]);
  assert.deepEqual([-1, 0, 8, 9, 1.5].map(tap => withTap(start, trace, tap).tap), [-1, 0, 8, -1, -1]);
  assert.deepEqual([0, 1, 2].map(pair => withNextFrame({ ...start, pair, beat: 99 }, trace).pair), [1, 2, 0]);
});

test('a pinned cell is let go by itself and by Escape; then the reverse question ends', () => {
  const pinned = withPin(start, trace, 3, 4);
  assert.deepEqual([pinned.y, pinned.x, pinned.pinned], [3, 4, true]);
  assert.equal(withPin(pinned, trace, 3, 4).pinned, false);
  assert.equal(withPin(pinned, trace, 3, 4, true).pinned, true); // the same place of the next frame is another
  const asked = withPin(start, trace, 3, 4, true);
  const reverse = withoutPin(asked, trace);
  assert.deepEqual([asked.pinned, reverse.pinned, reverse.reverse], [true, false, true]);
  assert.equal(withoutPin(reverse, trace).reverse, false);
});

test('what-ifs go round, and each says what it did', () => {
  assert.deepEqual(['', 'rigid', 'frozen'].map(whatIf => whatIfAfter(trace, { ...start, whatIf }, 1)), ['rigid', 'frozen', '']);
  assert.deepEqual(['', 'rigid', 'frozen'].map(whatIf => whatIfAfter(trace, { ...start, whatIf }, -1)), ['frozen', '', 'rigid']);
  assert.equal(withWhatIf(start, trace, 'gone').whatIf, '');
  assert.equal(chosenWhatIf(trace, { whatIf: 'rigid' }).title, 'Rigid grid');
  assert.match(whatIfWords(trace, trace.what_if[0], 0), /^No offsets\. The answer becomes “one”, 9\.0 % → 70\.0 %\. Mean length .* → 0\.25 cells\.$/);
  assert.match(whatIfWords(trace, trace.what_if[1], 0), /The answer stays “two”.*Its points lie in other pictures/);
  const all = { start: 0, stop: 6 };
  assert.deepEqual(comparedBest([5, 4, 3, 2, 1, 0], [0, 0, 0, 0, 0, 9], all, 5), [0, 1, 2, 3, 5]);
  assert.deepEqual(comparedBest([5, 4, 3, 2, 1, 0], [0, 9, 0, 0, 0, 0], all, 5), [0, 1, 2, 3, 4]);
  assert.deepEqual(comparedBest([9, 9, 3, 2, 1, 4], [9, 0, 0, 0, 8, 0], { start: 2, stop: 6 }, 2), [5, 4]);
});

test('what became of each answer, sure or not', () => {
  const said = (index, sure) => ({ index, sure });
  const changes = [[0, 0], [0, 1]].map(([a, b]) => [true, false].flatMap(before => [true, false].map(after =>
    changeOf(said(a, before), said(b, after)))));
  assert.deepEqual(changes, [['stays', 'unsure', 'sure', 'stays unsure'], ['flips', 'unsure', 'sure', 'stays unsure']]);
  const both = twoAnswers();
  const [silent] = both.what_if;
  assert.equal(changeWords(both, silent), 'Camera: the answer flips from “pans left”, 95.3 % → 4.7 %, to “still”, 4.7 % → 95.3 %. '
    + 'Things: is sure now: “nothing moves”, 50.6 % → 99.5 %.');
  assert.equal(changeWords(both, both), 'Camera: stays “pans left”, 95.3 % → 95.3 %. '
    + 'Things: stays unsure; most probable is “nothing moves”, 50.6 % → 50.6 %.');
  assert.match(changeWords({ ...both, ...silent }, both), /Things: becomes unsure; still most probable is “nothing moves”, 99\.5 % → 50\.6 %\.$/);
  assert.deepEqual([silent, both].map(other => anyChange(both, other)), [true, false]);
  assert.match(whatIfWords(both, silent, 0), /^Nothing is read\. Camera: the answer flips/);
});

test('a label under the title of its group', () => {
  const camera = { name: 'camera' };
  assert.deepEqual(['camera pans left', 'cameraman', 'camera ', 'nothing moves'].map(label => underTitle(label, camera)),
    ['pans left', 'cameraman', 'camera ', 'nothing moves']);
  assert.deepEqual([titleOf(camera), titleOf({ name: 'élan' })], ['Camera', 'Élan']);
});

test('a ghost is the other run\'s read-out, where it has one', () => {
  const view = { block: 1, pair: 2, y: 1, x: 5 };
  assert.deepEqual(ghostOf(trace, { ...view, whatIf: 'rigid' }), readout(trace.what_if[0].blocks[1], 2, 1, 5));
  for (const whatIf of ['frozen', '', 'gone']) assert.equal(ghostOf(trace, { ...view, whatIf }), null);
});

test('all that a state shows: the strongest neighbour, the lit one, readers, tracks and the cell\'s arrow', () => {
  const field = arrowField(trace.blocks[0], 1, 'offset');
  const view = { ...start, y: 3, x: 5 };
  const show = (more, lit = null) => shownOf(trace, [], { ...view, ...more }, lit, field);
  const read = readout(trace.blocks[0], 1, 3, 5);
  assert.deepEqual(show({}).read, read);
  assert.deepEqual(show({}).arrow, [field[2 * 38], field[2 * 38 + 1]]);
  assert.deepEqual([show({}).tap, show({ tap: 4 }).tap], [strongestTap(read), 4]);
  const lit = { term: 'point', tap: 7 };
  const pointed = [show({}, lit), show({ drawer: 'equation', tap: 4 }, lit), show({ drawer: 'equation', reverse: true, tap: 4 }, lit),
    show({ drawer: 'equation', tap: 4 }, { term: 'gate', tap: null })];
  assert.deepEqual(pointed.map(each => [each.lit, each.tap]), [['point', 7], ['point', 7], ['', 4], ['gate', 4]]);
  assert.deepEqual(show({ reverse: true, overlay: 'track' }).readers, readersOf(trace.blocks[0], 1, 3, 5));
  assert.deepEqual([show({ reverse: true, overlay: 'track' }).track, show({}).readers, show({}).track], [null, null, null]);
  const { track, rigid } = show({ overlay: 'track' });
  assert.deepEqual([track, rigid], [false, true].map(r => attentionTrack(trace.blocks[0], 1, 3, 5, r)));
});

/** Actions on a viewer without a page: what they do to its state. */
function acted(first = start) {
  const viewer = {
    state: first, trace, tap: 3, width: 460, log: [], asked: [],
    set(next) { viewer.state = next; }, play(on) { viewer.log.push(on); }, light() {}, help() {}, say(words) { viewer.log.push(words); }, full() {},
    ask(what) { viewer.asked.push(what); },
  };
  return { viewer, actions: viewActions(viewer) };
}

test('hovering the next frame turns the question round, and leaving it goes back, on another block too', () => {
  const { viewer, actions } = acted();
  actions.hover(2, 8, false);
  actions.hover(5, 5, true);
  assert.deepEqual([viewer.state.y, viewer.state.x, viewer.state.reverse], [5, 5, true]);
  actions.deeper();
  actions.leave();
  assert.deepEqual([viewer.state.block, viewer.state.y, viewer.state.x, viewer.state.reverse], [1, 1, 4, false]);
  actions.pin(3, 3, true);
  actions.hover(0, 0, false);
  actions.leave();
  assert.deepEqual([viewer.state.y, viewer.state.x, viewer.state.reverse, viewer.state.pinned], [3, 3, true, true]);
});

test('the first key on the other picture only turns the question round', () => {
  const { viewer, actions } = acted({ ...start, y: 3, x: 3 });
  actions.move(0, 1, true);
  assert.deepEqual([viewer.state.y, viewer.state.x, viewer.state.reverse], [3, 3, true]);
  actions.move(-1, 1, true);
  assert.deepEqual([viewer.state.y, viewer.state.x], [2, 4]);
});

test('menus, keys and buttons change one thing each', () => {
  const { viewer, actions } = acted();
  const seen = (name, act) => { act(); return viewer.state[name]; };
  assert.deepEqual(Array.from({ length: 4 }, () => seen('overlay', actions.overlay)), ['saliency', 'difference', 'track', 'none']);
  assert.deepEqual(Array.from({ length: 3 }, () => seen('arrows', actions.arrows)), ['offset', 'strongest', 'displacement']);
  assert.deepEqual(Array.from({ length: 3 }, () => seen('speed', actions.faster)), [2, 4, 4]);
  assert.deepEqual(Array.from({ length: 5 }, () => seen('speed', actions.slower)), [2, 1, 0.5, 0.25, 0.25]);
  assert.deepEqual([seen('tinted', actions.tint), seen('tinted', actions.tint)], [true, false]);
  assert.deepEqual([seen('drawer', actions.equation), seen('drawer', actions.sheet), seen('drawer', actions.sheet)], ['equation', 'sheet', 'none']);
  assert.equal(seen('quiver', () => actions.choose('arrows', 'off')), false);
  assert.equal(viewer.state.arrows, 'displacement');
  assert.equal(seen('quiver', () => actions.choose('arrows', 'offset')), true);
  assert.equal(seen('speed', () => actions.choose('speed', '0.5')), 0.5);
  assert.deepEqual([seen('flow', actions.flow), seen('flow', actions.flow)], [true, false]);
  assert.deepEqual([seen('tap', actions.nextTap), seen('tap', actions.previousTap)], [4, 2]);
  assert.deepEqual([seen('whatIf', () => actions.whatIf('rigid')), seen('whatIf', () => actions.whatIf('rigid'))], ['rigid', '']);
  assert.equal(seen('pair', () => actions.visit(1, 2)), 2);
  assert.equal(viewer.state.block, 1);
  assert.equal(seen('tour', () => actions.tour()), -1); // the clip has none
  actions.play();
  assert.deepEqual(viewer.log, [true]);
});

test('a change of speed while playing takes effect at once', () => {
  const { viewer, actions } = acted({ ...start, playing: true });
  actions.choose('speed', '4');
  actions.play();
  assert.deepEqual(viewer.log, [true, false]);
});
