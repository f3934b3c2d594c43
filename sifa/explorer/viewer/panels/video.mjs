// A film of drawn pictures: MP4 by the browser's encoder where it has one, else WebM by its recorder.
import { ArrayBufferTarget, Muxer } from 'mp4-muxer';
import { contextOf } from '../marks/canvas.mjs';

/**
 * A film that is being made: pictures of one size are added in their order, and `end` gives the file.
 * @typedef {{ending: string, add: (canvas: HTMLCanvasElement) => Promise<void>, end: () => Promise<Blob>}} Film
 */

const BITS = 8_000_000; // per second
const AT_ONCE = 4; // pictures that wait for the encoder
const AGAIN = 6; // how often a recorder is shown each picture: a busy computer skips some

/** What an MP4 may hold, what most players play first. @type {['avc' | 'vp9' | 'av1', string][]} */
const CODECS = [['avc', 'avc1.640033'], ['avc', 'avc1.420033'], ['vp9', 'vp09.00.51.08'], ['av1', 'av01.0.12M.08']];

const even = (/** @type {number} */ side) => side - side % 2; // as encoders want it

/**
 * The encoder of this browser for a size, or null.
 * @param {number} width
 * @param {number} height
 */
async function encoderOf(width, height) {
  if (!('VideoEncoder' in globalThis)) return null; // older browsers, and pages by http from elsewhere
  for (const [codec, name] of CODECS) {
    const config = { codec: name, width, height, bitrate: BITS };
    const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
    if (supported) return { codec, config };
  }
  return null;
}

/**
 * @param {NonNullable<Awaited<ReturnType<typeof encoderOf>>>} chosen
 * @param {number} time ms for which each picture is shown
 * @returns {Film}
 */
function encoded({ codec, config }, time) {
  const { width, height } = config;
  const target = new ArrayBufferTarget();
  const muxer = new Muxer({ target, video: { codec, width, height }, fastStart: 'in-memory' });
  /** @type {DOMException | null} */
  let failed = null;
  const encoder = new VideoEncoder({
    output: (chunk, about) => muxer.addVideoChunk(chunk, about), error: reason => { failed = reason; },
  });
  encoder.configure(config);
  const well = () => { if (failed) throw new Error(`This browser could not encode the film (${failed.message}). Take the GIF.`); };
  let count = 0;
  return {
    ending: '.mp4',
    async add(canvas) {
      while (encoder.encodeQueueSize > AT_ONCE) await new Promise(done => { encoder.ondequeue = done; });
      well();
      const frame = new VideoFrame(canvas, {
        timestamp: 1000 * time * count, duration: 1000 * time, visibleRect: { x: 0, y: 0, width, height },
      });
      encoder.encode(frame, { keyFrame: count % 10 === 0 }); // so that players can jump
      frame.close();
      count += 1;
    },
    async end() {
      await encoder.flush().catch(() => {}); // what went wrong is said below
      well();
      encoder.close();
      muxer.finalize();
      return new Blob([target.buffer], { type: 'video/mp4' });
    },
  };
}

const pause = (/** @type {number} */ time) => new Promise(done => { setTimeout(done, time); });

/**
 * A recording of a canvas, in real time; nothing is taken but by requestFrame.
 * @param {HTMLCanvasElement} canvas
 * @param {number} time ms for which each picture is shown
 * @returns {Film}
 */
function recorded(canvas, time) {
  const type = 'video/webm';
  if (!window.MediaRecorder?.isTypeSupported(type) || !HTMLCanvasElement.prototype.captureStream) {
    throw new Error('This browser can neither encode nor record a film. Take the GIF, or export the film by Python.');
  }
  /** @type {Blob[]} */
  const chunks = [];
  const stream = canvas.captureStream(0);
  const [track] = /** @type {CanvasCaptureMediaStreamTrack[]} */ (stream.getTracks());
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: BITS });
  recorder.ondataavailable = event => chunks.push(event.data);
  recorder.start();
  return {
    ending: '.webm',
    async add() {
      const ctx = contextOf(canvas);
      for (let shown = 0; shown < AGAIN; shown += 1) {
        ctx.putImageData(ctx.getImageData(0, 0, 1, 1), 0, 0); // or else nothing is new, and no frame is taken
        track.requestFrame();
        await pause(time / AGAIN);
      }
    },
    async end() {
      await new Promise(done => { recorder.onstop = done; recorder.stop(); });
      return new Blob(chunks, { type });
    },
  };
}

/**
 * Begin a film of a canvas, whose pictures have its size. Throws Error with words where the browser can make none.
 * @param {HTMLCanvasElement} canvas
 * @param {number} time ms for which each picture is shown
 */
export async function filmOf(canvas, time) {
  const chosen = await encoderOf(even(canvas.width), even(canvas.height));
  return chosen ? encoded(chosen, time) : recorded(canvas, time);
}
