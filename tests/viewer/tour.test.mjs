// The tour: where it fits, what each step sets and says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyState, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { TOUR, tourFits, withTour } from '../../sifa/explorer/viewer/state/tour.mjs';
import { readout } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { compared, sample } from './made.mjs';

const trace = sample();
const start = withTrace(emptyState(), trace, null);

test('it fits its sample only, and only with all that it points at', () => {
  assert.ok(tourFits(trace));
  for (const other of ['01_camera_zooms_in', '08_nothing_moves']) assert.ok(!tourFits(sample(other)), other);
  assert.ok(!tourFits(compared()));
  for (const lack of [{ true_flow: [] }, { what_if: trace.what_if.slice(1) }, { trust: null }, { blocks: trace.blocks.slice(0, 1) }, { answers: [] }]) {
    assert.ok(!tourFits({ ...trace, ...lack }), Object.keys(lack)[0]);
  }
});

test('each step has a state of this trace, and words without a gap', () => {
  assert.equal(TOUR.length, 16);
  assert.equal(new Set(TOUR.map(step => step.title)).size, 16);
  for (const step of TOUR.keys()) {
    const state = withTour({ ...start, overlay: 'track', reverse: true }, trace, step);
    assert.deepEqual([state.tour, state.pinned, state.reverse, state.playing], [step, true, false, false]);
    const { pairs, height, width } = trace.blocks[state.block];
    assert.ok(state.pair < pairs && state.y < height && state.x < width);
    const words = TOUR[step].text(trace, state, readout(trace.blocks[state.block], state.pair, state.y, state.x));
    assert.ok(words.length > 60 && words.endsWith('.'), words);
    assert.doesNotMatch(words, /NaN|undefined|null|Infinity/);
  }
});

test('of a model with several answers it says what became of each', () => {
  const groups = [{ name: 'camera', start: 0, stop: 2, unsure_below: 0.5 }, { name: 'things', start: 2, stop: trace.labels.length, unsure_below: 0.5 }];
  const said = (...indices) => indices.map((index, i) =>
    ({ group: groups[i].name, label: trace.labels[index], probability: 0.9, sure: true, index }));
  const changed = trace.what_if.map(each => ({ ...each, answers: each.name === 'frozen' ? said(1, 4) : said(0, 3) }));
  const both = { ...trace, groups, answers: said(0, 3), what_if: changed };
  const say = title => {
    const step = TOUR.findIndex(each => each.title === title);
    const state = withTour(start, both, step);
    return TOUR[step].text(both, state, readout(both.blocks[state.block], state.pair, state.y, state.x));
  };
  assert.match(say('What if the grid stayed regular?'), /Camera: stays “.*Things: stays “.*: the offsets alone do not decide it\.$/);
  assert.match(say('What if nothing moved?'), /^Show the first frame all the time\. Camera: the answer flips from .*Things: the answer flips .* cells on average\.$/);
  assert.match(say('How far to trust it'), /%, all answers together, become /);
});

test('a step before the first ends it, one after the last is the last', () => {
  assert.equal(withTour(start, trace, -1).tour, -1);
  assert.equal(withTour(start, trace, 99).tour, 15);
  assert.equal(withTour(start, trace, 1.5).tour, -1);
  assert.deepEqual(withTour(start, compared(), 3), start);
});

test('what a step points at must be there', () => {
  const bare = { ...trace, true_flow: [], what_if: [], trust: null };
  const say = title => {
    const step = TOUR.find(each => each.title === title);
    return step.text(bare, { ...emptyState(), block: 0, pair: 3, y: 20, x: 16 }, readout(trace.blocks[0], 3, 20, 16));
  };
  assert.throws(() => say('A regular grid'), /needs true motion/);
  assert.throws(() => say('What if nothing moved?'), /needs the what-if frozen/);
  assert.throws(() => say('How far to trust it'), /needs the deletion test/);
});
