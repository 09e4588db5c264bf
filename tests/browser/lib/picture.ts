/* Pictures for the documentation: few colours, so that all of them fit a repository. */
import { createRequire } from 'node:module';

interface Upng {
  decode(png: ArrayBuffer): { width: number; height: number };
  toRGBA8(image: { width: number; height: number }): ArrayBuffer[];
  encode(frames: ArrayBuffer[], width: number, height: number, colours: number): ArrayBuffer;
}

const upng = createRequire(import.meta.url)('upng-js') as Upng;
const COLOURS = 64; // what the eye does not tell apart in a page of text, lines and bars

/** The same picture with a palette: about a third of the bytes. */
export function slim(png: Buffer): Buffer {
  const image = upng.decode(new Uint8Array(png).buffer);
  return Buffer.from(upng.encode(upng.toRGBA8(image), image.width, image.height, COLOURS));
}
