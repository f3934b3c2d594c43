// The sentence under the pictures, the certainty of answers, and the strip of blocks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wayHtml } from '../../sifa/explorer/viewer/panels/way.mjs';
import { answerHtml } from '../../sifa/explorer/viewer/panels/answer.mjs';
import { certaintyOf, headline } from '../../sifa/explorer/viewer/state/answers.mjs';
import { readersSentence, sentenceOf, wayWords } from '../../sifa/explorer/viewer/state/sentence.mjs';
import { emptyState, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { block, compared, made } from './made.mjs';

const told = parts => parts.map(({ text }) => text).join('');
const loud = parts => parts.filter(part => part.loud).map(({ text }) => text).join('|');

/** A trace of trained weights whose true motion is the same everywhere, and a read-out of its cell (2, 3). */
function known(truth, displacement, weights = Array(9).fill(1), more = {}) {
  const trace = { ...compared(), checkpoint: { trained_on: 'clips', variant: 'nano' }, ...more };
  const [flow] = trace.true_flow;
  const cells = flow.height * flow.width;
  flow.visible.fill(1);
  for (let i = 0; i < flow.flow.length; i++) flow.flow[i] = 32 * truth[Math.floor(i / cells) % 2];
  const state = { ...withTrace(emptyState(), trace, null), y: 2, x: 3 };
  return sentenceOf(trace, state, { y: 2, x: 3, displacement, weights });
}

test('a way in words, in eight directions', () => {
  assert.deepEqual([[0, 1], [1, 1], [1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1]].map(wayWords), [
    '1.0 cells to the right', '1.4 cells down and right', '1.0 cells down', '1.4 cells down and left', '1.0 cells to the left',
    '1.4 cells up and left', '1.0 cells up', '1.4 cells up and right']);
});

test('where the truth is known, the model found it, or it is wrong', () => {
  assert.equal(told(known([0, 1], [0.1, 0.8])),
    'This spot, one cell, moved 1.0 cells to the right; the model found it 0.8 cells to the right, with all nine points counting about the same.');
  assert.equal(told(known([0, 1], [1.1, 0])), 'The model looked 1.1 cells down, but this spot really moved 1.0 cells to the right: wrong here.');
  assert.equal(loud(known([0, 1], [1.1, 0])), '1.1 cells down|wrong here');
  assert.match(told(known([0, 0], [0.1, 0])), /^This spot, one cell, stayed; the model looked there/);
  assert.match(told(known([0, 4], [0.2, 3])), /^This spot, one cell, moved 4\.0 cells to the right; the model found it 3\.0 cells to the right/);
  assert.match(told(known([0, 4], [0, 2])), /wrong here\.$/);
  assert.match(told(known([0, 0], [0.8, 0])), /^The model looked 0\.8 cells down, but this spot really stayed: wrong here\.$/);
});

test('which points count for more is said of rows or columns, and of other counts in numbers', () => {
  const said = weights => told(known([0, 1], [0, 1], weights)).replace(/^.*right, /, '');
  assert.equal(said([3, 3, 3, 1, 1, 1, 3, 3, 3]), 'mostly with the top and bottom points.');
  assert.equal(said([1, 1, 3, 1, 1, 3, 1, 1, 3]), 'mostly with the right-hand points.');
  assert.equal(said([0.31, 0.29, 0.31, 0.16, 0.17, 0.15, 0.28, 0.28, 0.3]), 'less with the middle points.');
  assert.equal(said([1, 1, 1, 2, 2, 2, 1, 1, 1]), 'more with the middle points.');
  assert.equal(said([3, 1, 1, 1, 3, 1, 1, 1, 3]), '3 of its nine points counting more than the others.');
  assert.equal(said([5, 1, 1, 1]), '1 of its 4 points counting more than the others.');
});

test('without the truth it seems so; random weights mean nothing; another model only looked', () => {
  const none = { true_flow: [] };
  const trace = { ...compared(), checkpoint: { trained_on: 'clips' } };
  const state = { ...withTrace(emptyState(), trace, null), y: 2, x: 3 };
  const read = { y: 2, x: 3, displacement: [0, -2], weights: Array(9).fill(1) };
  const say = more => told(sentenceOf({ ...trace, ...more }, state, read));
  assert.match(say(none), /^This spot, one cell, seems to have moved 2\.0 cells to the left; the model looked there, with all nine/);
  assert.match(say({ checkpoint: { trained_on: '' } }), /^These weights are random numbers: .*2\.0 cells to the left means nothing\.$/);
  assert.match(say({ answers: [] }), /^From this spot, the model looked 2\.0 cells to the left/);
  assert.match(told(readersSentence([])), /^No spot/);
  assert.match(told(readersSentence([{}, {}])), /^2 spots of frame t looked at this place/);
});

test('an answer is sure, likely or unsure by the threshold on the card, or a plain one', () => {
  const of = (probability, stated, sure = true) => certaintyOf({ sure, probability }, { unsure_below: stated });
  assert.deepEqual([of(0.54, 0), of(0.56, 0), of(0.8, 0)], ['unsure', 'likely', 'sure']);
  assert.deepEqual([of(0.69, 0.7), of(0.8, 0.7), of(0.86, 0.7), of(0.99, 0.7, false)], ['unsure', 'likely', 'sure', 'unsure']);
});

test('an answer that is withheld is none, and why stands in its place', () => {
  const trace = made(undefined, { withheld: 'It has <1> frame.' });
  assert.match(answerHtml(trace), /No answer[^]*It has &#60;1&#62; frame\./);
  assert.equal(headline(trace), 'no answer');
  assert.throws(() => made(undefined, { withheld: 3 }));
});

test('the strip has a button for each block, in its stage, and head and stem', () => {
  const trace = made([block(), block({ height: 4, width: 6, stage: 1 }), block({ height: 4, width: 6, stage: 1, block: 1 })]);
  const html = wayHtml(trace);
  assert.deepEqual([...html.matchAll(/data-block="(\d)"/g)].map(([, i]) => i), ['0', '1', '2']);
  assert.deepEqual([...html.matchAll(/stage (\d)/g)].map(([, i]) => i), ['1', '2']);
  assert.match(html, /stem[^]*head/);
  assert.doesNotMatch(wayHtml(made(undefined, { labels: [], logits: [] })), /head/);
});
