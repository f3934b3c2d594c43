// The size of a JPEG, without decoding it.

const BASELINE = [0xc0, 0xc1]; // others come in many scans, each of which costs as much as a picture
const FRAMES = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];

/**
 * Height and width of a baseline JPEG; null for anything else.
 * @param {Uint8Array} bytes
 */
export function jpegSize(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = (/** @type {number} */ at) => (at + 2 <= bytes.length ? view.getUint16(at) : 0);
  if (short(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 <= bytes.length;) {
    const [mark, kind] = [bytes[at], bytes[at + 1]];
    if (mark !== 0xff) return null;
    if (kind === 0xff) { at += 1; continue; } // a filling byte
    if (FRAMES.includes(kind)) return BASELINE.includes(kind) ? { height: short(at + 5), width: short(at + 7) } : null;
    const length = short(at + 2);
    if (kind === 0xda || kind === 0xd9 || length < 2) return null;
    at += 2 + length;
  }
  return null;
}
