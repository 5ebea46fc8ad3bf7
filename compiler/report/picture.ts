/** Pixels as PNG images inside the page, and numbers as colours. */
import { PNG } from "pngjs";
import type { Picture } from "./reportData.ts";

/** A PNG as a `data:` address. */
export function pictureAddress({ width, height, channels, pixels }: Picture): string {
  const png = new PNG({ width, height });
  for (let at = 0; at < width * height; at++) {
    for (let c = 0; c < 3; c++) png.data[4 * at + c] = pixels[at * channels + (channels === 3 ? c : 0)] ?? 0;
    png.data[4 * at + 3] = 255;
  }
  const file = PNG.sync.write(png, { colorType: channels === 3 ? 2 : 0, deflateLevel: 9 });
  return `data:image/png;base64,${file.toString("base64")}`;
}

/** The greatest of the absolute values of some tensors, 0 of none. */
export function greatestMagnitude(tensors: readonly ArrayLike<number>[]): number {
  let most = 0;
  for (const values of tensors) for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] as number)); // prettier-ignore
  return Number.isFinite(most) ? most : 0;
}

type Colour = readonly [red: number, green: number, blue: number];

/** Values from -most to most: blue below zero, red above, near white at it. */
export function signedPicture(values: ArrayLike<number>, height: number, width: number, most: number): Picture {
  return coloured(values, height, width, (value) => signedColour(most === 0 ? 0 : value / most));
}

/** Values from 0 to most: black to white. */
export function greyPicture(values: ArrayLike<number>, height: number, width: number, most: number): Picture {
  const pixels = Uint8Array.from(values, (value) => byteOf(most === 0 ? 0 : value / most));
  return { width, height, channels: 1, pixels };
}

/** Three planes of values from -most to most: zero is middle grey. */
export function rgbPicture(planes: ArrayLike<number>, height: number, width: number, most: number): Picture {
  const size = height * width;
  const pixels = new Uint8Array(3 * size);
  for (let at = 0; at < size; at++) {
    for (let c = 0; c < 3; c++) {
      const value = planes[c * size + at] as number;
      pixels[3 * at + c] = byteOf(most === 0 ? 0.5 : 0.5 + value / (2 * most));
    }
  }
  return { width, height, channels: 3, pixels };
}

/** The two ends and the middle of `signedPicture`'s colours, for its legend. */
export const signedEnds: readonly [below: Colour, zero: Colour, above: Colour] = [
  [33, 94, 158],
  [246, 244, 240],
  [178, 58, 36],
];

function signedColour(share: number): Colour {
  const [below, zero, above] = signedEnds;
  const end = share < 0 ? below : above;
  const by = Math.min(1, Math.abs(Number.isFinite(share) ? share : 0));
  return [0, 1, 2].map((c) => Math.round((zero[c] ?? 0) + by * ((end[c] ?? 0) - (zero[c] ?? 0)))) as unknown as Colour;
}

function coloured(values: ArrayLike<number>, height: number, width: number, of: (value: number) => Colour): Picture {
  return { width, height, channels: 3, pixels: Uint8Array.from(Array.from(values, of).flat()) };
}

function byteOf(share: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, share || 0)));
}
