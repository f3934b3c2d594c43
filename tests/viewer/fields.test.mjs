// One vector or one number per cell, each against a plain loop over read-outs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  arrowField, differenceMap, meanLength, meanOf, measureMap, readersOf, saliencyMap, trueField,
} from '../../sifa/explorer/viewer/trace/fields.mjs';
import { readout } from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { attentionTrack, centroid } from '../../sifa/explorer/viewer/trace/tracks.mjs';
import { bilinearCorners, strongestTap, tapShare } from '../../sifa/explorer/viewer/trace/terms.mjs';
import { block, close, compared, made, random } from './made.mjs';

const KINDS = { plain: {}, 'kernel 5': { kernel: 5 }, softmax: { normalised: true }, anchored: { taps: [[1, 2], [3, 4]], anchored: true } };
const cellsOf = ({ height, width }) => Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);

for (const [name, options] of Object.entries(KINDS)) {
  const { blocks: [shown] } = made([block(options)]);
  const reads = cellsOf(shown).map(([y, x]) => readout(shown, 1, y, x));

  test(`arrows in three readings, ${name}`, () => {
    const mean = (list, f) => list.reduce((sum, each, k) => sum + f(each, k), 0) / list.length;
    close(arrowField(shown, 1, 'displacement'), reads.flatMap(read => read.displacement), 2e-5);
    close(arrowField(shown, 1, 'offset'), reads.flatMap(({ offsets }) => [mean(offsets, o => o[0]), mean(offsets, o => o[1])]), 1e-5);
    close(arrowField(shown, 1, 'strongest'), reads.flatMap(read => {
      const [py, px] = read.points[strongestTap(read)];
      return [py - read.y, px - read.x];
    }), 1e-5);
  });

  test(`who reads a place, ${name}`, () => {
    const [y, x] = [3, 5];
    const wanted = reads.map(({ points, weights }) => points.reduce((sum, [py, px], k) =>
      sum + Math.abs(weights[k]) * Math.max(0, 1 - Math.abs(py - y)) * Math.max(0, 1 - Math.abs(px - x)), 0));
    const found = readersOf(shown, 1, y, x);
    const weights = new Float64Array(wanted.length);
    for (const reader of found) weights[reader.y * shown.width + reader.x] = reader.weight;
    close(weights, wanted, 1e-9);
    assert.deepEqual(found.map(r => r.weight), found.map(r => r.weight).sort((a, b) => b - a));
    assert.ok(found.every(r => r.weight > 0));
  });

  test(`measures of the contact sheet, ${name}`, () => {
    const taps = reads[0].weights.length;
    close(measureMap(shown, 1, 'offset'), reads.map(r => r.offsets.reduce((s, o) => s + Math.hypot(...o), 0) / taps), 1e-5);
    close(measureMap(shown, 1, 'outside'), reads.map(r => r.outside.filter(Boolean).length / taps), 1e-6);
    close(measureMap(shown, 1, 'entropy'), reads.map(({ weights }) => {
      const total = weights.reduce((s, w) => s + Math.abs(w), 0);
      return -weights.reduce((s, w) => s + (w ? Math.abs(w) / total * Math.log(Math.abs(w) / total) : 0), 0) / Math.log(taps);
    }), 1e-5);
  });

  test(`the length of a block's displacement, ${name}`, () => {
    const lengths = [0, 1, 2].flatMap(pair => cellsOf(shown).map(([y, x]) => Math.hypot(...readout(shown, pair, y, x).displacement)));
    close([meanLength(shown)], [lengths.reduce((a, b) => a + b, 0) / lengths.length], 1e-5);
  });
}

test('saliency in its own units', () => {
  const about = block();
  const { blocks: [shown] } = made([about]);
  close(saliencyMap(shown, 2), [...about.saliency.subarray(154)].map(v => v * 2.5 / 255), 1e-6);
  close([meanOf(Float32Array.of(1, 2, 6))], [3]);
});

for (const grid of [{ height: 7, width: 11 }, { height: 40, width: 40 }]) { // cells larger and smaller than pixels
  test(`the difference of two pictures on ${grid.height} x ${grid.width} cells`, () => {
    const next = random(5);
    const [height, width] = [30, 50];
    const picture = () => ({ height, width, data: Uint8ClampedArray.from({ length: 4 * height * width }, () => 256 * next()) });
    const [one, other] = [picture(), picture()];
    const [top, left, side] = [2, 10, 28];
    const inside = (start, n, count, end) => {
      const all = Array.from({ length: end }, (_, i) => i);
      const within = all.filter(i => i + 0.5 >= start + n * side / count && i + 0.5 < start + (n + 1) * side / count);
      return within.length ? within : [Math.floor(start + (n + 0.5) * side / count)];
    };
    const wanted = cellsOf(grid).map(([r, c]) => {
      const values = inside(top, r, grid.height, height).flatMap(y => inside(left, c, grid.width, width).flatMap(x =>
        [0, 1, 2].map(k => Math.abs(one.data[4 * (y * width + x) + k] - other.data[4 * (y * width + x) + k]) / 255)));
      return values.reduce((a, b) => a + b, 0) / values.length;
    });
    close(differenceMap(one, other, grid, { top: 4, left: 20, size: 56, scale: 2 }), wanted, 1e-6);
  });
}

test('true motion where its grid is in the trace', () => {
  const trace = compared();
  const { at, visible } = trueField(trace, { block: 0, pair: 1 });
  const { flow } = trace.true_flow[0];
  close(at(5), [flow[2 * 77 + 5] / 32, flow[3 * 77 + 5] / 32], 0);
  assert.equal(visible[5], trace.true_flow[0].visible[77 + 5]);
  assert.equal(trueField(trace, { block: 1, pair: 1 }), null);
});

test('a centroid and its spread', () => {
  const { middle, spread } = centroid([[0, 0], [2, 4]], [1, -3]);
  close([...middle, ...spread], [1.5, 3, Math.sqrt(0.75), Math.sqrt(3)]);
});

for (const rigid of [false, true]) {
  test(`a track asks again where it ends${rigid ? ', on the rigid grid' : ''}`, () => {
    const { blocks: [shown] } = made([block({ pairs: 5 })]);
    for (const [pair, y, x] of [[0, 3, 5], [2, 0, 0], [4, 6, 10]]) {
      const track = attentionTrack(shown, pair, y, x, rigid);
      assert.deepEqual(track[0], { step: pair, place: [y, x], spread: [0, 0] });
      let place = [y, x];
      track.slice(1).forEach((point, n) => {
        const cell = place.map((v, axis) => Math.max(0, Math.min([7, 11][axis] - 1, Math.floor(v + 0.5 + 1e-4))));
        const read = readout(shown, pair + n, ...cell);
        const { middle, spread } = centroid(rigid ? read.taps : read.points, read.weights);
        place = place.map((v, axis) => v + middle[axis] - cell[axis]);
        close([...point.place, ...point.spread], [...place, ...spread], 1e-12);
        assert.equal(point.step, pair + n + 1);
      });
      const [ey, ex] = track.at(-1).place;
      assert.ok(track.at(-1).step === 5 || ey <= -1 || ey >= 7 || ex <= -1 || ex >= 11); // early only off the map
    }
  });
}

test('bilinear corners mix to the place', () => {
  for (const [y, x] of [[2.25, 3.5], [-0.4, 0], [6.9, 10.9], [3, 3]]) {
    const corners = bilinearCorners([y, x], { height: 7, width: 11 });
    const sum = f => corners.reduce((total, corner) => total + corner.weight * f(corner), 0);
    close([sum(() => 1), sum(c => c.y), sum(c => c.x)], [1, y, x], 1e-12);
    for (const corner of corners) assert.equal(corner.outside, !(corner.y >= 0 && corner.y < 7 && corner.x >= 0 && corner.x < 11));
  }
});

test('shares of the neighbours add up to the displacement', () => {
  const { blocks: [shown] } = made([block()]);
  const read = readout(shown, 0, 3, 4);
  const shares = read.weights.map((_, tap) => tapShare(read, tap));
  close([0, 1].map(axis => shares.reduce((sum, { part }) => sum + part[axis], 0)), read.displacement, 1e-12);
  close([shares.reduce((sum, { share }) => sum + share, 0)], [1], 1e-12);
  assert.equal(strongestTap(read), shares.indexOf(shares.reduce((a, b) => (b.share > a.share ? b : a))));
});
