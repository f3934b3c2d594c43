// Traces for the tests: the shipped samples, and small ones made up from a seed.
import { readFileSync } from 'node:fs';
import { parseTrace } from '../../sifa/explorer/viewer/trace/decode.mjs';

const SAMPLES = new URL('../../assets/samples/', import.meta.url);

/** The bytes of a shipped sample, by the start of its name. */
export function sampleBytes(name = '02_object_moves_right') {
  const file = readFileSync(new URL(`${name}.sifa`, SAMPLES));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}

export const sample = name => parseTrace(sampleBytes(name));

/** Numbers from 0 to 1 that look random and are the same every time. */
export function random(seed = 1) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A block's header and arrays: random offsets of some cells, random weights. */
export function block({ pairs = 3, height = 7, width = 11, kernel = 3, normalised = false, taps, seed = 1, ...more } = {}) {
  const next = random(seed);
  const count = taps?.length ?? kernel ** 2;
  const cells = pairs * height * width;
  const header = {
    name: 'layers.0.blocks.0', stage: 0, block: 0, kernel, dilation: 1, pairs, height, width, stride: [2, 4, 4], normalised,
    range: Array.from({ length: pairs }, (_, p) => (normalised ? [0, 0.5 + p / 10] : [-0.5 - p, 1 + p])), saliency_max: 2.5,
    ...(taps ? { taps } : {}), ...more,
  };
  return {
    header,
    offset: Int16Array.from({ length: 2 * cells * count }, () => Math.round((next() - 0.5) * 100)),
    attention: Uint8Array.from({ length: cells * count }, () => Math.floor(256 * next())),
    saliency: Uint8Array.from({ length: cells }, () => Math.floor(256 * next())),
  };
}

const aligned = n => Math.ceil(n / 8) * 8;

/** The start of a JPEG of some size, as far as its size is looked at. */
export const jpeg = (height, width, kind = 0xc0) => Uint8Array.of(0xff, 0xd8, 0xff, 0xfe, 0, 2, 0xff, kind, 0, 17, 8,
  height >> 8, height & 255, width >> 8, width & 255);

/** A packed trace of blocks, with what else its header is to hold. */
export function packed(blocks = [block()], more = {}) {
  const parts = [];
  let end = 0;
  const place = bytes => {
    const at = end;
    parts.push([at, new Uint8Array(bytes.buffer)]);
    end = aligned(at + bytes.byteLength);
    return at;
  };
  const frames = 2 * (1 + Math.max(1, ...blocks.map(({ header }) => header.pairs)));
  const header = {
    version: 2,
    clip: { name: 'made.mp4', indices: Array.from({ length: frames }, (_, i) => 4 * i),
      times: Array.from({ length: frames }, (_, i) => i / 10), sampling_rate: 4, source_frames: 4 * frames },
    crop: { scale: 0.5, top: 2, left: 10, size: 28 },
    checkpoint: { file: 'made.safetensors', variant: 'nano', sha256: 'abcdef0123456789', trained_on: '' },
    labels: ['one', 'two', 'three'], logits: [0, 2, 1],
    frames: { height: 40, width: 60, pictures: Array.from({ length: frames }, () => ({ at: place(jpeg(40, 60)), bytes: 15 })) },
    blocks: blocks.map(({ header: about, ...arrays }) => ({
      ...about, ...Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, place(array)])),
    })),
    ...more,
  };
  return joined(header, parts, end);
}

/** Magic, length and text of a header, then what it points at. */
export function joined(header, parts, end) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const base = 16 + aligned(text.length);
  const whole = new Uint8Array(base + end);
  whole.set(new TextEncoder().encode('SIFATRC\n'));
  new DataView(whole.buffer).setUint32(8, base - 16, true);
  whole.fill(32, 16, base);
  whole.set(text, 16);
  for (const [at, bytes] of parts) whole.set(bytes, base + at);
  return whole.buffer;
}

/** A trace of made-up blocks. */
export const made = (blocks, more) => parseTrace(packed(blocks, more));

/** Labels in two groups, the second of which is unsure; logits and answers of a run that goes with them. */
export const GROUPED = {
  labels: ['camera pans left', 'camera still', 'nothing moves', 'object moves up', 'object shakes'],
  groups: [{ name: 'camera', start: 0, stop: 2, unsure_below: 0.6 }, { name: 'things', start: 2, stop: 5, unsure_below: 0.7 }],
  logits: [3, 0, 1, 0, 0.5],
  answers: [
    { group: 'camera', label: 'camera pans left', probability: 0.952574, sure: true },
    { group: 'things', label: 'nothing moves', probability: 0.506480, sure: false },
  ],
};

/** The same under a what-if: the camera's answer flips, the other one is sure now. */
export const FLIPPED = {
  name: 'silent', title: 'Silent', explanation: 'Nothing is read.', order: [], lengths: [], blocks: [], logits: [0, 3, 6, 0, 0],
  answers: [
    { group: 'camera', label: 'camera still', probability: 0.952574, sure: true },
    { group: 'things', label: 'nothing moves', probability: 0.995067, sure: true },
  ],
};

/** A trace of two answers, with that what-if. */
export const twoAnswers = more => made(undefined, { ...GROUPED, what_if: [FLIPPED], ...more });

/** The same trace with one what-if, whose blocks are those of `other`, and true motion on the grid of the first block. */
export function compared(other = 2) {
  const trace = made([block(), block({ height: 4, width: 6, seed: 3 })]);
  const { blocks } = made([block({ seed: other }), block({ height: 4, width: 6, seed: other + 1 })]);
  const [{ pairs, height, width }] = trace.blocks;
  const said = (probabilities, index) => ({
    probabilities, answers: [{ group: '', label: trace.labels[index], probability: probabilities[index], sure: true, index }],
  });
  trace.what_if = [
    { name: 'rigid', title: 'Rigid grid', explanation: 'No offsets.', order: [], ...said([0.7, 0.2, 0.1], 0), lengths: [0.25, 0], blocks },
    { name: 'frozen', title: 'Frozen', explanation: 'One frame.', order: [0, 0], ...said([0.1, 0.8, 0.1], 1), lengths: [0, 0], blocks: [] },
  ];
  const flow = Int16Array.from({ length: 2 * pairs * height * width }, (_, i) => i % 64);
  trace.true_flow = [{ pairs, height, width, flow, visible: Uint8Array.from({ length: pairs * height * width }, (_, i) => +(i % 3 > 0)) }];
  return trace;
}

/** Whether two lists of numbers are the same but for the last digits. */
export function close(got, wanted, most = 1e-6) {
  const [a, b] = [[...got], [...wanted]];
  if (a.length !== b.length) throw new Error(`${a.length} numbers in place of ${b.length}`);
  a.forEach((v, i) => {
    if (!(Math.abs(v - b[i]) <= most)) throw new Error(`number ${i} is ${v} in place of ${b[i]}`);
  });
}
