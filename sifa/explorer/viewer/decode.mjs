// Reading a packed trace. The format is described in ../README.md.

const MAGIC = 'SIFATRC\n';
const VERSION = 1;
export const STEPS_PER_CELL = 32;

/** Whatever a host hands over (base64 text, ArrayBuffer, DataView, typed array) as an ArrayBuffer. */
export function toBuffer(source) {
  if (source instanceof ArrayBuffer) return source;
  if (ArrayBuffer.isView(source)) return source.buffer.slice(source.byteOffset, source.byteOffset + source.byteLength);
  const text = atob(source);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

/** The trace in a buffer: its header with typed arrays in place of positions. Throws Error with a sentence. */
export function parseTrace(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < 16 || String.fromCharCode(...bytes.subarray(0, 8)) !== MAGIC) {
    throw new Error('This is not a SIFA trace. Choose a .sifa file, or run the clip again.');
  }
  const length = new DataView(buffer).getUint32(8, true);
  let header;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + length)));
  } catch {
    throw new Error('The trace is damaged. Run the clip again.');
  }
  if (header.version > VERSION) {
    throw new Error(`The trace has version ${header.version}, this page reads up to ${VERSION}. Update the program.`);
  }
  const base = 16 + length;
  const view = (Type, at, count) => {
    if (base + at + count * Type.BYTES_PER_ELEMENT > buffer.byteLength) {
      throw new Error('The trace is cut off. Run the clip again.');
    }
    return new Type(buffer, base + at, count);
  };
  const blocks = header.blocks.map(block => {
    const cells = block.pairs * block.height * block.width;
    const taps = block.kernel ** 2;
    return {
      ...block,
      taps,
      offset: view(Int16Array, block.offset, cells * taps * 2),
      attention: view(Uint8Array, block.attention, cells * taps),
      saliency: view(Uint8Array, block.saliency, cells),
    };
  });
  const pictures = header.frames.pictures.map(p => new Blob([view(Uint8Array, p.at, p.bytes)], { type: 'image/jpeg' }));
  return { ...header, blocks, pictures, probabilities: softmax(header.logits) };
}

export function softmax(logits) {
  const top = Math.max(...logits);
  const powers = logits.map(v => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map(p => p / total);
}

/** Offset (dy, dx) of a tap, in cells. */
export function offsetAt(block, pair, tap, y, x) {
  const plane = block.height * block.width;
  const at = ((pair * block.taps + tap) * 2) * plane + y * block.width + x;
  return [block.offset[at] / STEPS_PER_CELL, block.offset[at + plane] / STEPS_PER_CELL];
}

/** Attention weight of a tap. */
export function weightAt(block, pair, tap, y, x) {
  const [low, high] = block.range[pair];
  const at = ((pair * block.taps + tap) * block.height + y) * block.width + x;
  return low + block.attention[at] * (high - low) / 255;
}
