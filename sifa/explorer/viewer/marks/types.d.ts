// What a picture is made of: a list of marks, in pixels of the picture, the first at the bottom. Painters turn a list
// into strokes on a canvas (canvas.mjs) or into SVG (svg.mjs).
import type { Box } from '../trace/types';

/** Lines through points, x and y by turns. */
export interface Lines {
  shape: 'lines';
  lines: number[][];
}

/** Arrows from (x, y) to (x, y), four numbers each, with heads of at most `head` pixels. */
export interface Arrowheads {
  shape: 'arrows';
  ends: number[];
  head: number;
}

/** Rectangles [x, y, width, height]. */
export interface Rects {
  shape: 'rects';
  rects: [number, number, number, number][];
}

export interface Circle {
  shape: 'circle';
  x: number;
  y: number;
  radius: number;
}

export type Path = Lines | Arrowheads | Rects | Circle;

/** Paths in their colours; all are stroked in the `casing` first, so that they are legible on any picture. */
export interface Stroke {
  kind: 'stroke';
  parts: { path: Path; colour: string }[];
  width: number;
  dash: number[];
  casing: { colour: string; width: number; dash: number[] } | null;
  round: boolean;
}

/** A disc with an edge; without a `fill` a ring, `half` filled below. One that stands for a `weight` says so. */
export interface Disc {
  kind: 'disc';
  x: number;
  y: number;
  radius: number;
  fill: string | null;
  edge: string;
  width: number;
  half?: boolean;
  dash?: number[];
  weight?: number;
}

/** Filled ellipses. */
export interface Ellipses {
  kind: 'ellipses';
  ellipses: { x: number; y: number; across: number; down: number }[];
  colour: string;
}

/** Light squares of `size` pixels around points, x and y by turns, each in a dark one of twice the size. */
export interface Dots {
  kind: 'dots';
  points: number[];
  size: number;
}

/** The ground under everything. */
export interface Ground {
  kind: 'ground';
  side: number;
}

/** Where something lies on the picture. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The `box` of the clip's input frame `index`, enlarged. */
export interface Picture extends Area {
  kind: 'picture';
  index: number;
  box: Box;
  smoothing: 'low' | 'high';
}

/** One number per cell, coloured from 0 to `most`, so that what is below still shows through. */
export interface HeatMap extends Area {
  kind: 'heat';
  map: Float32Array;
  rows: number;
  columns: number;
  most: number;
}

/** A letter on a square of `size` pixels, whose upper left corner is (x, y), in a black edge of `width` pixels. */
export interface Tag {
  kind: 'tag';
  x: number;
  y: number;
  size: number;
  text: string;
  colour: string;
  width: number;
}

export type Mark = Ground | Picture | HeatMap | Stroke | Disc | Ellipses | Dots | Tag;

/** The scale of one pair's weights: its two ends, and the place of a weight along it, 0 to 1. */
export interface Scale {
  ends: [number, number];
  share: (w: number) => number;
}

export type Rgb = [number, number, number];
