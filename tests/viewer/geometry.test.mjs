// Where things are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  arrowEvery, closeUpCells, closeView, cropBox, displacementField, framesOfStep, isOutside, liveliestCell, neighbourGrid, nextDensity,
  readout, sameplace, wholeView,
} from '../../sifa/explorer/viewer/trace/geometry.mjs';
import { block, close, made } from './made.mjs';

test('the neighbours lie row by row around the query', () => {
  const grid = options => neighbourGrid(made([block(options)]).blocks[0]);
  assert.deepEqual(grid({ kernel: 3 }),
    [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 0], [0, 1], [1, -1], [1, 0], [1, 1]]);
  assert.deepEqual(grid({ kernel: 5 }).at(0), [-2, -2]);
  assert.deepEqual(grid({ kernel: 3, dilation: 2 }).at(-1), [2, 2]);
  assert.deepEqual(grid({ taps: [[0.5, 2]] }), [[0.5, 2]]);
});

test('places of anchored taps are on the map, whatever the query', () => {
  const { blocks: [shown] } = made([block({ taps: [[1, 2], [3, 4]], anchored: true })]);
  for (const [y, x] of [[0, 0], [6, 10]]) assert.deepEqual(readout(shown, 0, y, x).taps, [[1, 2], [3, 4]]);
});

for (const [name, options] of Object.entries({
  plain: {}, 'kernel 5': { kernel: 5 }, softmax: { normalised: true }, anchored: { taps: [[1, 2], [3, 4], [0, 9]], anchored: true },
})) {
  test(`the field of displacement has every cell's own, ${name}`, () => {
    const { blocks: [shown] } = made([block(options)]);
    const field = displacementField(shown, 1);
    for (let y = 0; y < shown.height; y++) {
      for (let x = 0; x < shown.width; x++) {
        const i = 2 * (y * shown.width + x);
        close(field.subarray(i, i + 2), readout(shown, 1, y, x).displacement, 2e-5);
      }
    }
  });
}

test('a point is outside from a whole cell off the map on', () => {
  const grid = { height: 4, width: 6 };
  for (const place of [[-1, 0], [4, 0], [0, -1.5], [0, 6], [NaN, 0]]) assert.ok(isOutside(place, grid), `${place}`);
  for (const place of [[-0.99, -0.99], [3.99, 5.99], [0, 0]]) assert.ok(!isOutside(place, grid), `${place}`);
});

test('the liveliest cell keeps away from the border', () => {
  const field = new Float32Array(2 * 9 * 9);
  field[0] = 100; // at the border
  field[2 * (5 * 9 + 3)] = -7;
  assert.deepEqual(liveliestCell({ height: 9, width: 9 }, field), [5, 3]);
  assert.deepEqual(liveliestCell({ height: 2, width: 9 }, field.subarray(0, 36)), [0, 0]);
  for (const y of [4, 5, 6]) for (const x of [4, 5, 6]) field[2 * (y * 9 + x) + 1] = 4; // a thing, with a longer arrow beside it
  assert.deepEqual(liveliestCell({ height: 9, width: 9 }, field), [5, 5]);
});

test('input frames of steps', () => {
  const steps = (stride, count) => Array.from({ length: count / stride }, (_, step) => framesOfStep(step, { stride: [stride, 4, 4] }, count));
  assert.deepEqual(steps(2, 6), [{ first: 0, end: 2, middle: 1 }, { first: 2, end: 4, middle: 3 }, { first: 4, end: 6, middle: 5 }]);
  assert.deepEqual(steps(1, 2), [{ first: 0, end: 1, middle: 0 }, { first: 1, end: 2, middle: 1 }]);
  assert.deepEqual(framesOfStep(3, { stride: [2, 4, 4] }, 7), { first: 6, end: 7, middle: 6 });
});

test('the way between the model\'s square and the pictures', () => {
  assert.deepEqual(cropBox({ scale: 0.5, top: 2, left: 10, size: 28 }), { top: 4, left: 20, side: 56 });
});

test('the same place on another grid, and back', () => {
  const [small, large] = [{ height: 4, width: 4 }, { height: 16, width: 8 }];
  assert.deepEqual(sameplace(1, 3, small, large), [6, 7]);
  assert.deepEqual(sameplace(15, 7, large, small), [3, 3]);
  for (let y = 0; y < 4; y++) assert.deepEqual(sameplace(...sameplace(y, y, small, large), large, small), [y, y]);
});

test('arrows stay apart, and a density that draws no others is skipped', () => {
  const every = (width, side, density) => arrowEvery({ height: width, width }, side, density);
  assert.deepEqual(['sparse', 'medium', 'dense'].map(density => every(56, 460, density)), [4, 2, 1]);
  assert.deepEqual(['sparse', 'medium', 'dense'].map(density => every(16, 460, density)), [2, 1, 1]);
  assert.equal(arrowEvery({ height: 2, width: 40 }, 100, 'sparse'), 2);
  const grid = { height: 16, width: 16 };
  assert.equal(nextDensity(grid, 460, 'medium', 1), 'medium'); // dense draws the same
  assert.equal(nextDensity(grid, 460, 'medium', -1), 'sparse');
  assert.equal(nextDensity(grid, 460, 'dense', -1), 'sparse');
  assert.equal(nextDensity(grid, 460, 'sparse', 1), 'medium');
});

test('pixels and cells of a view lead to each other', () => {
  const grid = { height: 7, width: 11 };
  const view = wholeView(grid, 480);
  for (let y = 0; y < 7; y++) for (let x = 0; x < 11; x++) assert.deepEqual(view.cell(...view.px(y, x)), [y, x]);
  assert.deepEqual(view.cell(0, 479), [6, 0]); // the margin belongs to the nearest cell
  close(view.px(-0.5, -0.5), [480 * 0.06, 480 * 0.06]);
  close(view.px(6.5, 10.5), [480 * 0.94, 480 * 0.94]);
  close([view.ch, view.cw], [480 * 0.88 / 7, 480 * 0.88 / 11]);
});

test('the close-up holds the kernel and two cells around it', () => {
  const { blocks: [shown] } = made([block({ kernel: 5 })]);
  assert.equal(closeUpCells(shown), 9);
  const view = closeView(shown, 270, 3, 4);
  close(view.px(3, 4), [135, 135]);
  close([view.cw, view.ch], [30, 30]);
});
