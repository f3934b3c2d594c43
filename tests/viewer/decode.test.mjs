// Bytes to numbers: the shipped samples against a reading of their bytes that shares no code, and what is refused.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { DAMAGED, parseTrace, toBuffer } from '../../sifa/explorer/viewer/trace/decode.mjs';
import { readout } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import {
  FLIPPED, GROUPED, block, close, compared, joined, made, packed, sample, sampleBytes, twoAnswers,
} from './made.mjs';

/** What one cell of one block reads, straight from the bytes, as the README of the format says. */
function readByHand(buffer, index, pair, y, x) {
  const view = new DataView(buffer);
  const base = 16 + view.getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 16, base - 16)));
  const about = header.blocks[index];
  const { kernel, dilation, height, width } = about;
  const [low, high] = about.range[pair];
  const taps = [];
  for (let tap = 0; tap < kernel * kernel; tap++) {
    const plane = (pair * kernel * kernel + tap) * height * width;
    const cell = y * width + x;
    const dy = view.getInt16(base + about.offset + 2 * (2 * plane + cell), true) / 32;
    const dx = view.getInt16(base + about.offset + 2 * (2 * plane + height * width + cell), true) / 32;
    const weight = low + view.getUint8(base + about.attention + plane + cell) * (high - low) / 255;
    const place = [y + dilation * (Math.floor(tap / kernel) - (kernel - 1) / 2), x + dilation * (tap % kernel - (kernel - 1) / 2)];
    taps.push({ place, offset: [dy, dx], point: [place[0] + dy, place[1] + dx], weight });
  }
  return { taps, height, width };
}

for (const name of readdirSync(new URL('../../assets/samples/', import.meta.url)).filter(file => file.endsWith('.sifa'))) {
  test(`every number of ${name} is read where it stands`, () => {
    const buffer = sampleBytes(name.slice(0, -5));
    const trace = parseTrace(buffer);
    assert.equal(trace.blocks.length, 6);
    trace.blocks.forEach((shown, index) => {
      for (const [pair, y, x] of [[0, 0, 0], [3, shown.height >> 1, 1], [6, shown.height - 1, shown.width - 1]]) {
        const { taps, height, width } = readByHand(buffer, index, pair, y, x);
        const read = readout(shown, pair, y, x);
        close(read.taps.flat(), taps.flatMap(tap => tap.place), 0);
        close(read.offsets.flat(), taps.flatMap(tap => tap.offset), 0);
        close(read.points.flat(), taps.flatMap(tap => tap.point), 0);
        close(read.weights, taps.map(tap => tap.weight), 1e-12);
        assert.deepEqual(read.outside, taps.map(({ point: [py, px] }) => py <= -1 || py >= height || px <= -1 || px >= width));
        close([read.sum], [taps.reduce((sum, tap) => sum + tap.weight, 0)], 1e-9);
        const total = taps.reduce((sum, tap) => sum + Math.abs(tap.weight), 0);
        const mean = axis => taps.reduce((sum, tap) => sum + Math.abs(tap.weight) * (tap.point[axis] - [y, x][axis]), 0) / total;
        close(read.displacement, [mean(0), mean(1)], 1e-9);
      }
    });
  });
}

test('what else a sample holds', () => {
  const trace = sample();
  assert.equal(trace.clip.name, '02_object_moves_right.mp4');
  assert.equal(trace.pictures.length, trace.clip.indices.length);
  assert.ok(trace.pictures.every(picture => picture.type === 'image/jpeg' && picture.size > 500));
  assert.deepEqual(trace.answers.map(({ label, sure }) => [label, sure]), [['camera still', true], ['object moves right', true]]);
  for (const { start, stop } of trace.groups) close([trace.probabilities.slice(start, stop).reduce((a, b) => a + b, 0)], [1]);
  assert.ok(trace.what_if.length >= 5);
  assert.equal(trace.true_flow[0].flow.length, 2 * 7 * 32 * 32);
  assert.equal(trace.trust.blocks.length, 6);
});

test('bytes in every form are taken', () => {
  const buffer = packed();
  const bytes = new Uint8Array(buffer);
  const shifted = new Uint8Array([0, 0, 0, ...bytes]).buffer;
  const forms = [buffer, bytes, new DataView(shifted, 3), Buffer.from(bytes).toString('base64')];
  for (const form of forms) assert.deepEqual(new Uint8Array(toBuffer(form)), bytes);
  assert.throws(() => toBuffer('no base64!'), { message: DAMAGED });
});

test('what is no trace, too new or cut off is refused in words', () => {
  const buffer = packed();
  assert.throws(() => parseTrace(new TextEncoder().encode('nothing at all here').buffer), /not a SIFA trace/);
  assert.throws(() => parseTrace(new ArrayBuffer(0)), /not a SIFA trace/);
  for (const bytes of [20, 400, buffer.byteLength - 9]) assert.throws(() => parseTrace(buffer.slice(0, bytes)), /cut off/);
  assert.throws(() => parseTrace(packed(undefined, { version: 7 })), /format version 7; this page reads up to 2/);
  assert.throws(() => parseTrace(joined(7, [], 0)), { message: DAMAGED });
});

test('a header that lacks a number is damaged', () => {
  const refuse = (change, words) => {
    const about = block();
    change(about.header);
    assert.throws(() => made([about]), { message: DAMAGED }, words);
  };
  for (const name of ['stage', 'kernel', 'dilation', 'stride', 'range', 'saliency_max']) refuse(h => { delete h[name]; }, name);
  refuse(h => { h.stride = [2, 4]; }, 'short stride');
  refuse(h => { h.range = [[0, 1]]; }, 'too few ranges');
  refuse(h => { h.stage = '<img>'; }, 'a text as stage');
  for (const gone of ['clip', 'crop', 'frames', 'labels', 'logits', 'checkpoint', 'blocks']) {
    assert.throws(() => parseTrace(packed([block()], { [gone]: undefined })), { message: DAMAGED }, gone);
  }
});

test('an older trace has no what-ifs, and a foreign one has taps of its own', () => {
  const trace = made([block({ taps: [[0, 0], [0.5, -1.5]] })]);
  assert.deepEqual([trace.what_if, trace.true_flow], [[], []]);
  assert.deepEqual([trace.blocks[0].taps, trace.blocks[0].base], [2, [[0, 0], [0.5, -1.5]]]);
  assert.equal(trace.blocks[0].attention.length, 2 * 3 * 7 * 11);
  assert.equal(compared().what_if[0].blocks.length, 2);
});

test('probabilities of large logits', () => {
  close(made(undefined, { logits: [1000, 1000, -1000] }).probabilities, [0.5, 0.5, 0]);
  const { probabilities, groups, answers } = made(undefined, { labels: [], logits: [] });
  assert.deepEqual([probabilities, groups, answers], [[], [], []]);
});

test('labels without groups are one, and its best is the answer', () => {
  const { groups, answers, probabilities } = made();
  assert.deepEqual(groups, [{ name: '', start: 0, stop: 3, unsure_below: 0 }]);
  assert.deepEqual(answers, [{ group: '', label: 'two', probability: probabilities[1], sure: true, index: 1 }]);
});

test('each group has probabilities of its own, and answers are what the trace says', () => {
  const { probabilities, answers, what_if: [other] } = twoAnswers();
  const of = (...logits) => logits.map(v => Math.exp(v) / logits.reduce((sum, each) => sum + Math.exp(each), 0));
  close(probabilities, [...of(3, 0), ...of(1, 0, 0.5)]);
  close(other.probabilities, [...of(0, 3), ...of(6, 0, 0)]);
  assert.deepEqual(answers, GROUPED.answers.map((each, i) => ({ ...each, index: [0, 2][i] })));
  assert.deepEqual(other.answers.map(each => each.index), [1, 2]);
  const said = [GROUPED.answers[0], { ...GROUPED.answers[1], label: 'object shakes', probability: 0.1, sure: true }];
  assert.deepEqual(twoAnswers({ answers: said }).answers[1], { ...said[1], index: 4 }); // not worked out again
});

test('groups and answers that cannot be are refused in words that say why', () => {
  const refuse = (more, words) => assert.throws(() => twoAnswers(more), ({ message }) => {
    assert.match(message, /^The trace is damaged \(.*\)\. Copy the file again, or run the clip again\.$/);
    assert.match(message, words);
    return true;
  });
  refuse({ answers: undefined }, /answers is \[\]; it must be a list of 2 objects/);
  refuse({ what_if: [{ ...FLIPPED, answers: [] }] }, /list of 2 objects/);
  refuse({ groups: undefined }, /list of 0 objects/);
  refuse({ answers: [...GROUPED.answers].reverse() }, /an answer is 'nothing moves' of group 'things'; it must be a label of 'camera'/);
  refuse({ answers: [GROUPED.answers[0], { ...GROUPED.answers[0], group: 'things' }] }, /must be a label of 'things'/);
  for (const odd of [{ probability: 1.5 }, { probability: '1' }, { sure: 1 }]) {
    refuse({ answers: [{ ...GROUPED.answers[0], ...odd }, GROUPED.answers[1]] }, /they must be a number from 0 to 1, and true or false/);
  }
  refuse({ groups: [{ ...GROUPED.groups[0], name: '\u0007'.repeat(99) }] }, /one line of its own/);
});
