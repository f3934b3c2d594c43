// Where traces come from: bytes in any form, or an address to fetch them from.
import { DAMAGED, parseTrace, toBuffer } from '../trace/decode.mjs';

/**
 * A trace in any form that `toBuffer` takes, or its address, and the view in which it opens, as a link's hash.
 * @typedef {Parameters<typeof toBuffer>[0] | {url: string, view?: string}} Source
 */

/**
 * The view that a source asks for.
 * @param {Source} source
 */
export const viewOf = source => (typeof source === 'object' && 'view' in source && source.view) || '';

/**
 * The bytes of a source. Throws Error with a sentence for the reader where they are not to be had.
 * @param {Source} source
 */
export async function fetchBytes(source) {
  return toBuffer(typeof source === 'object' && 'url' in source ? await download(source.url) : source);
}

/** @param {string} url */
async function download(url) {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) throw new Error(`The trace could not be fetched (${answer?.status ?? 'no connection'}). Run the clip again.`);
  return answer.arrayBuffer();
}

/**
 * A trace and its pictures. Throws Error with a sentence for the reader where they are damaged, or nothing to look at.
 * @param {ArrayBuffer} bytes
 */
export async function decodeTrace(bytes) {
  const trace = parseTrace(bytes);
  if (trace.blocks.some(block => block.pairs < 1)) {
    throw new Error('This clip has one time step, so there is no next frame to look at.');
  }
  return { trace, images: await decodePictures(trace.pictures) };
}

/**
 * The pictures of a trace; one Blob that stands for several is decoded once.
 * @param {Blob[]} blobs
 */
function decodePictures(blobs) {
  const decode = (/** @type {Blob} */ blob) =>
    createImageBitmap(blob).catch(error => { throw new Error(DAMAGED, { cause: error }); });
  const made = new Map([...new Set(blobs)].map(blob => [blob, decode(blob)]));
  return Promise.all(blobs.map(blob => /** @type {Promise<ImageBitmap>} */ (made.get(blob))));
}
