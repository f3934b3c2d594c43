// The painter of marks as SVG: every kind of mark, and the pair of pictures as a file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairMarks } from '../../sifa/explorer/viewer/marks/list.mjs';
import { pairSvg, svgMarks } from '../../sifa/explorer/viewer/marks/svg.mjs';
import { stroked, strokedPath } from '../../sifa/explorer/viewer/marks/shapes.mjs';
import { emptyState, withTrace } from '../../sifa/explorer/viewer/state/state.mjs';
import { compared } from './made.mjs';

const still = { url: 'data:image/jpeg;base64,AAAA', width: 96, height: 60 };
const paths = markup => [...markup.matchAll(/<path d="([^"]*)" ([^>]*)\/>/g)].map(([, d, rest]) => [d, rest]);

test('strokes are cased in the dark first, then in their colours', () => {
  const mark = stroked([
    { path: { shape: 'lines', lines: [[0, 0, 10, 5], [1, 1, 2, 2]] }, colour: '#fff' },
    { path: { shape: 'rects', rects: [[1, 2, 3, 4]] }, colour: 'rgb(1,2,3)' },
  ], 2, { dash: [3, 4] });
  assert.deepEqual(paths(svgMarks([mark], {})), [
    ['M0,0L10,5M1,1L2,2', 'stroke="rgb(0,0,0)" stroke-opacity=".75" stroke-width="4.4"'],
    ['M1,2h3v4h-3z', 'stroke="rgb(0,0,0)" stroke-opacity=".75" stroke-width="4.4"'],
    ['M0,0L10,5M1,1L2,2', 'stroke="#fff" stroke-width="2" stroke-dasharray="3 4"'],
    ['M1,2h3v4h-3z', 'stroke="rgb(1,2,3)" stroke-width="2" stroke-dasharray="3 4"'],
  ]);
});

test('arrows have heads of at most their length', () => {
  const [[long], [short]] = [100, 1].map(x => paths(svgMarks(
    [strokedPath({ shape: 'arrows', ends: [0, 0, x, 0], head: 9 }, '#fff', 1, { casing: null })], {}))[0]);
  const barb = d => Number(/M0,0L\S+,0M([\d.-]+),/.exec(d)[1]);
  assert.ok(Math.abs(100 - barb(long) + 9 * Math.cos(2.55)) < 1e-9);
  assert.ok(Math.abs(1 - barb(short) + 0.45 * Math.cos(2.55)) < 1e-9);
});

test('a circle, a disc, a ring, ellipses, dots and a heat map', () => {
  const markup = svgMarks([
    strokedPath({ shape: 'circle', x: 5, y: 6, radius: 2 }, '#fff', 1, { casing: null, round: true }),
    { kind: 'disc', x: 1, y: 2, radius: 3, fill: '#123456', edge: '#fff', width: 1, weight: -0.25 },
    { kind: 'disc', x: 1, y: 2, radius: 3, fill: null, edge: '#fff', width: 1, weight: 0.5 },
    { kind: 'ellipses', ellipses: [{ x: 0, y: 0, across: 4, down: 2 }], colour: 'rgba(1,2,3,.5)' },
    { kind: 'dots', points: [10, 10, 20, 20], size: 2 },
    { kind: 'dots', points: [], size: 2 },
    { kind: 'heat', map: Float32Array.of(0, 1, 1, 0), rows: 2, columns: 2, most: 1, x: 0, y: 0, width: 8, height: 4 },
  ], {});
  assert.match(markup, /d="M3,6a2,2 0 1 1 4,0a2,2 0 1 1 -4,0z" stroke="#fff" stroke-width="1" stroke-linecap="round"/);
  assert.match(markup, /fill="#123456"[^>]*><title>weight -0\.2500<\/title>/);
  assert.match(markup, /fill="none"[^>]*><title>weight 0\.5000, outside the frame: counts 0<\/title>/);
  assert.match(markup, /M-4,0a4,2 .* fill="rgb\(1,2,3\)" fill-opacity="\.5"/);
  assert.match(markup, /d="M8,8h4v4h-4zM18,18h4v4h-4z" fill="rgb\(0,0,0\)" fill-opacity="\.5".*d="M9,9h2v2h-2zM19,19h2v2h-2z" fill="#fff"/);
  assert.match(markup, /d="M0,0h4v2h-4zM4,2h4v2h-4z" fill="rgb\(10,30,82\)".*d="M4,0h4v2h-4zM0,2h4v2h-4z" fill="rgb\(255,234,82\)"/);
  assert.ok(!/NaN|undefined/.test(markup));
});

test('the pair as a file: frames, marks and caption, nothing from outside', () => {
  const trace = compared();
  const state = { ...withTrace(emptyState(), trace, null), pair: 1, y: 3, x: 5, pinned: true };
  const caption = `Clip <b> & "more". ${'word '.repeat(60)}`;
  const markup = pairSvg(pairMarks(trace, state, 480), 480, { 3: still, 5: still }, caption);
  assert.ok(markup.startsWith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 976 '));
  assert.match(markup, /<title>Clip &#60;b&#62; &#38; &#34;more&#34;\./);
  assert.equal((markup.match(/<text /g) ?? []).length, 3);
  assert.equal((markup.match(/<image href="data:image\/jpeg;base64,AAAA" width="96" height="60"\/>/g) ?? []).length, 2);
  assert.equal((markup.match(/<title>weight /g) ?? []).length, 9);
  assert.ok(!/NaN|undefined|\d\.\d{5}/.test(markup));
  assert.equal((markup.match(/https?:/g) ?? []).length, 1);
  const opened = markup.match(/<(?:svg|g|circle|text|title)\b[^>]*(?<!\/)>/g).length, shut = markup.match(/<\/(?:svg|g|circle|text|title)>/g).length;
  assert.equal(opened, shut);
});
