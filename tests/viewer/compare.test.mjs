// Two runs side by side: which one stands beside the other, where its view is, and what links, Escape and hiding do to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionsHtml } from '../../sifa/explorer/viewer/panels/compare.mjs';
import { viewActions } from '../../sifa/explorer/viewer/state/actions.mjs';
import { besideOf, namesOf, stateBeside, traceOf, whatIfBeside, withTruth } from '../../sifa/explorer/viewer/state/compare.mjs';
import { decodeLink, encodeLink, withLink } from '../../sifa/explorer/viewer/state/link.mjs';
import { comparing, openPanel, withPanel } from '../../sifa/explorer/viewer/state/panel.mjs';
import { emptyState, withAnotherPin, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { sentenceOf } from '../../sifa/explorer/viewer/state/sentence.mjs';
import { readout } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { block, compared, made } from './made.mjs';

const trace = compared(); // blocks of 7 x 11 and 4 x 6 cells, 3 pairs
const images = trace.pictures.map((_, i) => `image ${i}`);
const start = withPanel(withTrace(emptyState(), trace, null), 'compare');
const second = (other, lasting = false) => ({ trace: other, images: ['other'], lasting });
const renamed = (other, name) => ({ ...other, clip: { ...other.clip, name } });

test('while Compare is closed, on the tour, or under a drawer, nothing stands beside the run', () => {
  const other = second(compared());
  for (const state of [{ ...start, panel: 'none' }, { ...start, panel: 'experiment' }, { ...start, tour: 2 }, { ...start, drawer: 'sheet' }]) {
    assert.equal(besideOf(trace, images, state, other), null);
    assert.equal(comparing(state), false);
  }
  assert.ok(besideOf(trace, images, start, other));
  const bare = made([block()]);
  assert.equal(besideOf(bare, images, start, null), null); // nothing to compare with
});

test('it ends the tour and closes what Inside shows; a drawer lies over it, and closing that brings it back', () => {
  const next = withPanel({ ...start, panel: 'inside', drawer: 'sheet', tour: 4 }, 'compare');
  assert.deepEqual([next.panel, next.drawer, next.tour], ['compare', 'none', -1]);
  assert.deepEqual([openPanel({ ...next, drawer: 'equation' }), openPanel(next)], ['inside', 'compare']);
});

test('a what-if that is chosen comes first, then a second trace, then that of Experiment, then the first', () => {
  const name = (state, has) => whatIfBeside(trace, { ...start, ...state }, has)?.name ?? null;
  assert.deepEqual([name({}, false), name({}, true)], ['rigid', null]);
  assert.deepEqual([name({ whatIf: 'frozen' }, false), name({ whatIf: 'frozen' }, true)], ['frozen', null]);
  assert.deepEqual([name({ against: 'frozen' }, true), name({ against: 'gone' }, true), name({ against: 'gone' }, false)],
    ['frozen', null, 'rigid']);
});

test('a what-if is a run of its own, at the same place; one in other pictures keeps its answer alone', () => {
  const [rigid, frozen] = trace.what_if;
  const beside = besideOf(trace, images, { ...start, y: 3, x: 5, against: 'rigid', whatIf: 'frozen' }, null);
  assert.deepEqual([beside.of, beside.trace.blocks, beside.trace.answers[0].label], [rigid, rigid.blocks, 'one']);
  assert.deepEqual([beside.twins, beside.plain, beside.names], [true, '', ['As it is', 'What if: Rigid grid']]);
  assert.deepEqual([beside.state.y, beside.state.x, beside.state.whatIf, beside.images], [3, 5, '', images]);
  const moved = { ...trace, what_if: [rigid, { ...frozen, order: images.map((_, i) => images.length - 1 - i) }] };
  const reversed = besideOf(moved, images, { ...start, against: 'frozen' }, null);
  assert.deepEqual([reversed.images, reversed.twins], [[...images].reverse(), false]);
  const { pictures, clip } = traceOf(moved, moved.what_if[1]);
  assert.deepEqual([pictures[0], clip.times[0], clip.indices[0]], [trace.pictures, trace.clip.times, trace.clip.indices].map(all => all.at(-1)));
  assert.match(reversed.plain, /lie in other pictures/);
  const light = { ...trace, what_if: [{ ...rigid, blocks: [] }] };
  assert.match(besideOf(light, images, start, null).plain, /not kept in this file/);
});

test('block, time, place and pins of another trace lie at the same share of the whole', () => {
  const other = made([block({ height: 14, width: 22, pairs: 7 }), block({ height: 14, width: 22, pairs: 7 }),
    block({ height: 8, width: 12, pairs: 7 }), block({ height: 8, width: 12, pairs: 7 })]);
  const state = withAnotherPin({ ...start, block: 1, pair: 2, y: 3, x: 5 }, trace, 3, 5);
  const there = stateBeside({ ...state, pins: [...state.pins, { block: 0, y: 6, x: 0 }, null] }, trace, other);
  assert.deepEqual([there.block, there.pair, there.y, there.x], [3, 5, 7, 11]);
  assert.deepEqual(there.pins, [{ block: 3, y: 7, x: 11 }, { block: 1, y: 13, x: 1 }, null]);
  const back = stateBeside(there, other, trace);
  assert.deepEqual([back.block, back.pair, back.y, back.x, back.pins[1]], [1, 2, 3, 5, { block: 0, y: 6, x: 0 }]);
  const slow = { ...other, blocks: other.blocks.map(each => ({ ...each, stride: [4, 4, 4] })) };
  assert.deepEqual([0, 1].map(beat => stateBeside({ ...state, beat }, trace, slow).beat), [0, 2]);
  for (let pair = 0; pair < 7; pair++) assert.ok(stateBeside({ ...there, pair }, other, trace).pair < 3);
});

test('two runs are told apart by what differs: clip, part of it, weights', () => {
  const weights = (other, file, sha256) => ({ ...other, checkpoint: { ...other.checkpoint, file, sha256 } });
  const later = { ...trace, clip: { ...trace.clip, indices: trace.clip.indices.map(i => i + 60), times: trace.clip.times.map(t => t + 2) } };
  const free = weights(trace, 'free.safetensors', 'f');
  assert.deepEqual(namesOf(trace, renamed(trace, 'other.clip.mp4')), ['made', 'other.clip']);
  assert.deepEqual(namesOf(trace, free), ['weights: made', 'weights: free']);
  assert.deepEqual(namesOf(trace, later), ['made, 0.0–0.7 s', 'made, 2.0–2.7 s']);
  assert.deepEqual(namesOf(trace, renamed(free, 'b.mp4')), ['made, weights: made', 'b, weights: free']);
  assert.deepEqual(namesOf(trace, trace), ['made', 'made']);
  const twins = other => besideOf(trace, images, start, second(other)).twins;
  assert.deepEqual([twins(free), twins(later), twins(renamed(trace, 'b.mp4'))], [true, false, false]);
  assert.deepEqual(besideOf(trace, images, start, second(renamed(trace, 'pans_left.mp4')), true).names, ['The first run', 'The second run']);
});

test('a model without blocks shows its frames on the grid of the other one', () => {
  const plain = { ...trace, blocks: [] };
  const beside = besideOf(trace, images, start, second(plain));
  assert.match(beside.plain, /no SIFA block/);
  assert.equal(beside.trace.blocks, trace.blocks);
  assert.equal(beside.trace.true_flow, trace.true_flow);
});

test('what really moves is known of the clip, whichever weights looked', () => {
  const blind = { ...trace, true_flow: [], checkpoint: { ...trace.checkpoint, trained_on: 'clips' } };
  assert.equal(withTruth(blind, trace).true_flow, trace.true_flow);
  assert.equal(withTruth(blind, renamed(trace, 'other.mp4')), blind);
  assert.equal(withTruth(trace, blind), trace);
  const beside = besideOf({ ...blind, true_flow: trace.true_flow }, images, { ...start, y: 0, x: 2 }, second(blind));
  const said = sentenceOf(beside.trace, beside.state, readout(beside.trace.blocks[0], beside.state.pair, 0, 2));
  assert.doesNotMatch(said.map(({ text }) => text).join(''), /seems/);
});

test('a link says that Compare is open, and with which what-if; another trace lets go of one that it lacks', () => {
  const state = { ...start, against: 'frozen' };
  const text = encodeLink({}, state);
  assert.match(text, /panel=compare/);
  assert.match(text, /against=frozen/);
  const opened = withLink(withTrace(emptyState(), trace, null), trace, decodeLink(text));
  assert.deepEqual([opened.panel, opened.against, comparing(opened)], ['compare', 'frozen', true]);
  const bare = made([block()]);
  assert.equal(withLink(withTrace(emptyState(), bare, null), bare, decodeLink(text)).against, '');
  assert.equal(withTrace(state, compared(), trace).against, 'frozen');
  assert.equal(withTrace(state, renamed(compared(), 'other.mp4'), trace).against, '');
});

test('v opens and closes it, a what-if is chosen by name, and Escape closes it before it lets a pin go', () => {
  const viewer = { state: withAnotherPin({ ...start, panel: 'none' }, trace, 2, 2), trace, tap: 0, width: 300, set: next => { viewer.state = next; } };
  const actions = viewActions(viewer);
  actions.compare();
  actions.against('frozen');
  assert.deepEqual([viewer.state.panel, viewer.state.against], ['compare', 'frozen']);
  actions.against('nonsense');
  assert.equal(viewer.state.against, '');
  actions.escape();
  assert.deepEqual([viewer.state.panel, viewer.state.pinned], ['none', true]);
  actions.compare();
  actions.compare();
  assert.equal(viewer.state.panel, 'none');
});

test('the list names all that there is to compare with, once each, and text from files is escaped', () => {
  const shown = { trace: { ...trace, what_if: trace.what_if.map(each => ({ ...each, title: `<b>${each.name}` })) }, state: start };
  const offers = [{ group: 'This visit', title: 'a & b', url: 'blob:1' }, { group: 'Weights', title: 'free' }];
  const html = optionsHtml(shown, null, null, offers);
  assert.deepEqual([...html.matchAll(/<optgroup label="([^"]+)"/g)].map(([, name]) => name), ['What if', 'This visit', 'Weights']);
  assert.match(html, /value="what:rigid" selected>&#60;b&#62;rigid/);
  assert.match(html, /value="offer:0">a &#38; b/);
  assert.equal(html.match(/ selected/g).length, 1);
  const other = second(renamed(trace, 'b.mp4'));
  const beside = besideOf(trace, images, start, other);
  assert.match(optionsHtml(shown, other, beside, []), /value="second" selected>b</);
  const bare = made([block()]);
  assert.match(optionsHtml({ trace: bare, state: start }, null, null, []), /^<option value="" selected>choose/);
});
