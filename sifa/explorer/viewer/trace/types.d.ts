// What a packed trace holds once it is decoded. ../../README.md describes the format.

/** [y, x] or [dy, dx], in cells. */
export type Place = [number, number];

/** A grid of cells over the square that the model saw. */
export interface Grid {
  height: number;
  width: number;
}

/**
 * What one SIFA block did. The typed arrays hold [pair][tap][(dy, dx)][y][x], the last index fastest: `offset` in 1/32
 * cell, `attention` in 1/255 of the pair's `range`, `saliency` in 1/255 of `saliency_max`.
 */
export interface Block extends Grid {
  name: string;
  stage: number;
  block: number;
  kernel: number;
  dilation: number;
  taps: number;
  /** Places of the neighbours where they are no K x K grid: around the query or, where `anchored`, on the map. */
  base: Place[] | null;
  anchored?: boolean;
  operator?: Operator | null;
  /** What the weights are, where they are neither a softmax nor raw products. */
  meaning?: string | null;
  /** Input steps per cell: time, y, x. */
  stride: [number, number, number];
  normalised: boolean;
  /** How many offsets were too large to pack. */
  limited?: number;
  pairs: number;
  offset: Int16Array;
  attention: Uint8Array;
  range: [number, number][];
  saliency: Uint8Array;
  saliency_max: number;
}

export interface Operator {
  offsets?: string;
  saliency?: string;
  placement?: string;
  /** Of weights "cosine": by what the cosines are multiplied, and whether the features were mapped first. */
  weights?: string;
  scale?: string;
  projected?: string;
  /** "relative": the values also say where they were read. */
  position?: string;
}

export interface Clip {
  name: string;
  /** Source frame numbers and times in seconds, one for each input frame. */
  indices: number[];
  times: number[];
  sampling_rate?: number;
  source_frames?: number;
  padded?: number;
  /** Sampled frames that a step also reads, before and after its own. */
  reach?: [number, number];
}

/** The square that the model saw: model pixel = source pixel * scale - (top, left). */
export interface Crop {
  scale: number;
  top: number;
  left: number;
  size: number;
}

/** A square in pixels of the stored frames. */
export interface Box {
  top: number;
  left: number;
  side: number;
}

export interface Checkpoint {
  file: string;
  sha256: string;
  variant: string;
  trained_on: string;
  top1?: number | null;
}

/** Labels from `start` to before `stop`, which an answer is chosen from; '' names all of a model without groups. */
export interface Group {
  name: string;
  start: number;
  stop: number;
  unsure_below: number;
}

/** What the model says in a group, and whether that is probable enough to count; `index` is the label's place among all. */
export interface Answer {
  group: string;
  label: string;
  probability: number;
  sure: boolean;
  index: number;
}

/** The run with one thing changed; `order`: the clip's frame at each place, empty where the same. */
export interface WhatIf {
  name: string;
  title: string;
  explanation: string;
  order: number[];
  probabilities: number[];
  answers: Answer[];
  lengths: number[];
  blocks: Block[];
}

/** True motion on one grid: `flow` like a block's `offset` of one tap; `visible` is 0 or 1. */
export interface Flow extends Grid {
  pairs: number;
  flow: Int16Array;
  visible: Uint8Array;
}

/** The figures of one block, and what they mean. */
export interface BlockFigures {
  name: string;
  unevenness: number | null;
  offset: number | null;
  spread: number | null;
  follows_change: number | null;
  like_random: number | null;
  outside: number | null;
  words: string[];
}

/** The probability of the answer when neighbours are taken away in every block. */
export interface Deletion {
  label: string;
  neighbours: number;
  removed: number;
  probability: number;
  strongest: number;
  random: number;
  all: number;
  random_each: number[];
  words: string[];
}

export interface Trust {
  blocks: BlockFigures[];
  deletion: Deletion | null;
}

/** The header of a packed trace, with arrays and pictures in place of positions. */
export interface Trace {
  version: number;
  blocks: Block[];
  /** The block to open on; absent: the first. */
  opens_on?: number | null;
  pictures: Blob[];
  labels: string[];
  groups: Group[];
  probabilities: number[];
  answers: Answer[];
  /** Why the answers are none, as a sentence. */
  withheld?: string;
  clip: Clip;
  crop: Crop;
  checkpoint: Checkpoint;
  what_if: WhatIf[];
  trust?: Trust | null;
  true_flow: Flow[];
}

/**
 * What the model read for one query cell, tap by tap. `taps` lie in the regular grid, `points` where the next frame was
 * read; `outside` points lie off the map, where values are 0; `displacement` is the mean of points - query, weighted by
 * |weight|.
 */
export interface ReadOut {
  y: number;
  x: number;
  taps: Place[];
  offsets: Place[];
  points: Place[];
  weights: number[];
  outside: boolean[];
  sum: number;
  displacement: Place;
}

/** A query that reads a place, and how much of it. */
export interface Reader {
  y: number;
  x: number;
  weight: number;
}

/** A cell that bilinear reading mixes; outside the frame it holds zeros. */
export interface Corner extends Reader {
  outside: boolean;
}

/** A step of a track, and the weighted standard deviation of what was read there, along y and x. */
export interface TrackPoint {
  step: number;
  place: Place;
  spread: Place;
}

/** True displacement of the cell i of a pair, and which cells have one. */
export interface Truth {
  at: (i: number) => Place;
  visible: Uint8Array;
}

/** One number for each cell, and the end of its scale. */
export interface Heat {
  map: Float32Array;
  most: number;
  words: string;
}

/** Input frames [first, end) of a time step, and the one that pictures it. */
export interface Span {
  first: number;
  end: number;
  middle: number;
}

/**
 * A window on the cell grid, drawn on a square canvas of `side` pixels: px(y, x) gives the pixel [x, y] of a place,
 * cell(px, py) the cell under a pixel; it is `whole` unless it is enlarged. A cell is `ch` x `cw` pixels, and (0, 0) is the
 * centre of the first.
 */
export interface View {
  side: number;
  whole: boolean;
  ch: number;
  cw: number;
  px: (y: number, x: number) => [number, number];
  cell: (px: number, py: number) => Place;
}

/** How a share compares with an even one. */
export type Amount = 'more' | 'even' | 'less';

/** What an arrow of the field means. */
export type Arrows = 'displacement' | 'offset' | 'strongest';
export type Density = 'medium' | 'dense' | 'sparse';
export type Measure = 'offset' | 'entropy' | 'outside';
