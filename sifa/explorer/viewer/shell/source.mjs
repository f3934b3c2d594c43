// Where traces come from: bytes in any form, or an address to fetch them from.
import { DAMAGED, parseTrace, toBuffer } from '../trace/decode.mjs';

/**
 * A trace in any form that `toBuffer` takes, or its address.
 * @typedef {Parameters<typeof toBuffer>[0] | {url: string}} Source
 */

/**
 * The trace of a source. Throws Error with a sentence for the reader where there is none.
 * @param {Source} source
 */
export async function fetchTrace(source) {
  return parseTrace(toBuffer(typeof source === 'object' && 'url' in source ? await download(source.url) : source));
}

/** @param {string} url */
async function download(url) {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) throw new Error(`The trace could not be fetched (${answer?.status ?? 'no connection'}). Run the clip again.`);
  return answer.arrayBuffer();
}

/**
 * The pictures of a trace; one Blob that stands for several is decoded once.
 * @param {Blob[]} blobs
 */
export function decodePictures(blobs) {
  const decode = (/** @type {Blob} */ blob) =>
    createImageBitmap(blob).catch(error => { throw new Error(DAMAGED, { cause: error }); });
  const made = new Map([...new Set(blobs)].map(blob => [blob, decode(blob)]));
  return Promise.all(blobs.map(blob => /** @type {Promise<ImageBitmap>} */ (made.get(blob))));
}
