// What the viewer says, and the HTML that it is said in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerHtml, barsHtml } from '../../sifa/explorer/viewer/panels/answer.mjs';
import { trackChart } from '../../sifa/explorer/viewer/panels/chart.mjs';
import { equationTerms, neighbourTable } from '../../sifa/explorer/viewer/panels/equation.mjs';
import { EXPORTS } from '../../sifa/explorer/viewer/panels/exports.mjs';
import { readersHtml } from '../../sifa/explorer/viewer/panels/readers.mjs';
import { DIALOG } from '../../sifa/explorer/viewer/panels/share.mjs';
import { SKELETON } from '../../sifa/explorer/viewer/panels/skeleton.mjs';
import { direction, escapeHtml, groupDigits, percent, span, weightText, withSign } from '../../sifa/explorer/viewer/state/text.mjs';
import {
  blockName, caption, knowledge, readersSpeech, readoutSpeech, samplingNote, sourceFrames, sourceTimes,
} from '../../sifa/explorer/viewer/state/words.mjs';
import { emptyState, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { readout } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { attentionTrack } from '../../sifa/explorer/viewer/trace/tracks.mjs';
import { block, compared, made, twoAnswers } from './made.mjs';

const trace = compared();
const state = { ...withTrace(emptyState(), trace, null), pair: 1, y: 3, x: 5 };
const read = readout(trace.blocks[0], 1, 3, 5);

test('numbers as text', () => {
  assert.deepEqual([0.126, -0.126, 0.001, -0.001].map(v => withSign(v)), ['+0.13', '−0.13', '0.00', '0.00']);
  assert.deepEqual([0.5, 0.99949, 0.9995, 1].map(percent), ['50.0 %', '99.9 %', '> 99.9 %', '> 99.9 %']);
  assert.deepEqual(['12345 and 1234', '1234567'].map(groupDigits), ['12\u202F345 and 1234', '1\u202F234\u202F567']);
  assert.deepEqual([span(3, 3), span(3, 5)], ['3', '3–5']);
  assert.deepEqual([weightText({ normalised: true }, 0.5), weightText({ normalised: false }, 0.5)], ['0.50', '+0.50']);
  assert.deepEqual([direction([-0.13, 0.75]), direction([0.1, -2])], ['0.13 up, 0.75 right', '0.10 down, 2.00 left']);
  assert.equal(escapeHtml('<a href="x">\'&'), '&#60;a href=&#34;x&#34;&#62;&#39;&#38;');
});

test('which frames and which block', () => {
  assert.deepEqual([sourceFrames(trace, { first: 2, end: 4 }), sourceTimes(trace, { first: 2, end: 4 })], ['8–12', '0.20–0.30 s']);
  assert.equal(blockName(trace, 1), 'Block 2 of 2, stage 1, 4 × 6 cells');
  const line = caption(trace, { ...state, pinned: true }, { first: 2, end: 4 }, { first: 4, end: 6 });
  assert.equal(line, 'Block 1 of 2, stage 1, 7 × 11 cells (layers.0.blocks.0). Step 2 → 3: source frames 8–12 → 16–20.'
    + ' Query cell y 3, x 5, pinned.');
  assert.match(caption(trace, { ...state, reverse: true }, { first: 2, end: 4 }, { first: 4, end: 6 }), / Who reads cell y 3, x 5 of frame t \+ 1\.$/);
  assert.match(caption(trace, state, { first: 2, end: 4 }, { first: 4, end: 6 }, false), /16–20\.$/);
  const limited = made([block({ limited: 3 })]);
  assert.match(caption(limited, state, { first: 2, end: 4 }, { first: 4, end: 6 }), /3 offsets too large to pack were limited\.$/);
});

test('what the weights know, and how the clip was sampled', () => {
  assert.equal(knowledge({ trained_on: '' }), 'Untrained weights: random numbers, nothing learned');
  assert.equal(knowledge({ trained_on: '20000 clips', top1: 0.951 }), 'Trained on 20\u202F000 clips; 95.1 % right on held-out clips');
  assert.equal(knowledge({ trained_on: 'clips', top1: 0.93 }, true), 'Trained on clips; 93.0 % with all answers right, of held-out clips');
  const note = more => samplingNote({ ...trace, clip: { ...trace.clip, ...more } });
  assert.match(note({}), /^Source frames 0–28 of 32, every 4th one, in 4 steps; each also reads sampled frames around it: 1 before, 1 after\. The model sees the bright square, at 28 × 28 pixels\./);
  assert.match(note({ reach: [0, 0] }), /in 4 steps\. /);
  assert.match(note({ sampling_rate: 1, source_frames: undefined }), /^Source frames 0–28, every one, /);
  assert.match(note({ sampling_rate: 2, padded: 5 }), /every 2nd one.* its last frame is repeated 5 times\.$/);
});

test('the live region hears the cell, or who reads it', () => {
  assert.match(readoutSpeech(read, trace, { ...state, pinned: true }),
    /^Step 2 of 3, block 1\. Query cell row 3, column 5, pinned\. Attention went .*, in cells\. Largest weight [+−]\d\.\d\d at row .*\. Sum of weights /);
  assert.match(readoutSpeech(readout(trace.blocks[0], 1, 0, 0), trace, state), / \d of 9 points outside the frame\.$/);
  assert.equal(readersSpeech([{ y: 1, x: 2, weight: 0.5 }], state),
    'Step 3, cell row 3, column 5: 1 query reads it. Most: row 1, column 2, weight 0.500.');
  assert.equal(readersSpeech([], { ...state, pinned: true }), 'Step 3, cell row 3, column 5, pinned: 0 queries read it.');
});

test('answers and bars, before and after; markup in labels stays text', () => {
  const odd = made(undefined, { labels: ['<b>', 'two', 'three'], logits: [0.7, 0.2, 0.1].map(Math.log) });
  assert.match(answerHtml(odd), /<h2 class="sifa-likely"><b>&#60;b&#62;<\/b>\s+<span>likely 70\.0 %<\/span><\/h2>[^]*sifa-warn">Untrained/);
  assert.equal((barsHtml(odd).match(/<li>/g) ?? []).length, 3);
  assert.match(barsHtml(trace, trace.what_if[0]), /66\.5 % → <b>20\.0 %<\/b>/);
  const foreign = made(undefined, { labels: [], logits: [] });
  assert.match(answerHtml(foreign), /<h2>nano<\/h2><\/div>$/);
  assert.equal(barsHtml(foreign), '');
});

/** What HTML says, without its tags. */
const told = html => html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();

test('two answers stand over their bars, and one that is unsure says so', () => {
  const both = twoAnswers();
  assert.equal(told(answerHtml(both)), 'Camera: pans left sure 95.3 % Things: Unsure nothing moves 50.6 % object shakes 30.7 % '
    + 'object moves up 18.6 % Untrained weights: random numbers, nothing learned');
  assert.equal(told(barsHtml(both)), 'Camera: pans left 95.3 % pans left 95.3 % still 4.7 % '
    + 'Things: unsure (50.6 % nothing moves; sure from 70.0 %) nothing moves 50.6 % object shakes 30.7 % object moves up 18.6 %');
  assert.deepEqual(barsHtml(both).match(/aria-label="[^"]*"/g), ['aria-label="Camera"', 'aria-label="Camera: two most probable"',
    'aria-label="Things"', 'aria-label="Things: three most probable"']);
  assert.equal(barsHtml(both).match(/sifa-unsure/g).length, 1);
  assert.doesNotMatch(barsHtml(twoAnswers({ groups: [{ name: '<i>', start: 0, stop: 5 }],
    answers: [{ group: '<i>', label: 'camera still', probability: 0.5, sure: true }], what_if: [] })), /<i>/);
});

test('a what-if shows both answers before and after', () => {
  const both = twoAnswers();
  const html = barsHtml(both, both.what_if[0]);
  assert.equal(told(html), 'Camera: pans left 95.3 % → still 95.3 %, the answer flips pans left 95.3 % → 4.7 % still 4.7 % → 95.3 % '
    + 'Things: unsure (50.6 % nothing moves; sure from 70.0 %) → nothing moves 99.5 %, is sure now nothing moves 50.6 % → 99.5 % '
    + 'object shakes 30.7 % → 0.2 % object moves up 18.6 % → 0.2 %');
  const same = { ...both.what_if[0], probabilities: both.probabilities, answers: both.answers };
  assert.deepEqual(barsHtml(both, same).match(/the answer stays|stays unsure|sifa-flips/g), ['the answer stays', 'stays unsure']);
});

test('the equation of each kind of block', () => {
  const names = about => equationTerms({ read, block: { ...trace.blocks[0], ...about }, tap: 2, saliency: 1, difference: 0.5 }).map(([name]) => name);
  const places = ['offset', 'tap', 'point', 'corner0', 'corner1', 'corner2', 'corner3'];
  const sum = ['value', 'weight', 'share', 'displacement', 'output'];
  assert.deepEqual(names({}), ['query', 'difference', 'gate', ...places, ...sum]);
  assert.deepEqual(names({ operator: { saliency: 'none' } }), ['query', 'gate', ...places, ...sum]);
  assert.deepEqual(names({ operator: { offsets: 'zero' } }), ['query', ...places, ...sum]);
  assert.deepEqual(names({ meaning: 'A mask.' }), ['query', ...places, 'weight', 'displacement']);
  const terms = Object.fromEntries(equationTerms({ read, block: trace.blocks[0], tap: 2, saliency: 1, difference: 0.5 }).map(([name, ...rest]) => [name, rest]));
  assert.deepEqual(terms.tap.slice(0, 2), ['pₖ', '(−1, +1)']);
  assert.deepEqual(terms.difference.slice(0, 2), ['∂f = fₜ₊₁ − fₜ', 'pictures: 0.500']);
  assert.equal(terms.output[2], 'LayerNorm(A) is added to fₜ(p)');
  assert.equal(terms.weight[1], withSign(read.weights[2], 4));
});

test('tables and charts hold their numbers', () => {
  const table = neighbourTable(read, trace.blocks[0], 1);
  assert.equal((table.match(/<tr data-tap="\d"><th scope="row">/g) ?? []).length, 9);
  for (const tap of read.weights.keys()) assert.ok(table.includes(`<td>${withSign(read.weights[tap], 4)}</td>`));
  const readers = Array.from({ length: 12 }, (_, i) => ({ y: i, x: 0, weight: 12 - i }));
  const list = readersHtml(readers, { y: 1, x: 2, pinned: true });
  assert.equal((list.match(/data-y=/g) ?? []).length, 9);
  assert.match(list, /12 queries of frame t, the 9 largest[^]*<dd>78\.000<\/dd>/);
  const [track, rigid] = [false, true].map(r => attentionTrack(trace.blocks[0], 0, 3, 5, r));
  const chart = trackChart(track, rigid, trace.blocks[0]);
  const [y, x] = track.at(-1).place;
  assert.ok(chart.includes(`y ${y.toFixed(2)}, x ${x.toFixed(2)} at step ${track.at(-1).step + 1}`));
  assert.equal((chart.match(/<svg /g) ?? []).length, 2);
  assert.ok(!/NaN|undefined/.test(chart));
});

test('the skeleton and the dialog have a button for everything', () => {
  for (const name of ['previous', 'play', 'next', 'shallower', 'deeper', 'tour', 'help', 'full', 'fewer', 'more', 'tint', 'previousTap', 'nextTap']) {
    assert.equal(SKELETON.split(`data-do="${name}"`).length, 2, name);
  }
  for (const name of Object.keys(EXPORTS)) assert.equal(DIALOG.split(`data-export="${name}"`).length, 2, name);
});

test('tables as files carry a caption and the numbers shown', async () => {
  const now = { trace, images: Array(8).fill({ width: 96, height: 60 }), state };
  const make = async (name, view = state) => {
    const { file, blob } = await EXPORTS[name].make({ ...now, state: view });
    return [file, await blob.text()];
  };
  const [file, text] = await make('cell');
  assert.equal(file, 'made_block1_step2_y3_x5.csv');
  assert.match(text, /^# made\.mp4\. Block 1 of 2.*Query cell y 3, x 5\. Weights: made\.safetensors \(abcdef01\)\.\ny,x,neighbour/);
  assert.equal(text.trim().split('\n').length, 2 + 9);
  const [readers] = await make('cell', { ...state, reverse: true });
  assert.equal(readers, 'made_block1_step2_readers_y3_x5.csv');
  const [, all] = await make('pair');
  assert.equal(all.trim().split('\n').length, 2 + 9 * 77);
  const [picture, markup] = await make('svg', { ...state, overlay: 'saliency', whatIf: 'rigid', flow: true });
  assert.equal(picture, 'made_block1_step2.svg');
  assert.match(markup, /Arrows: displacement\. Not drawn: saliency, true motion, dashed: what if: Rigid grid\. Weights/);
});
