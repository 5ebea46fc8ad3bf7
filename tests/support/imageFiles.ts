/** Files of the formats that data sets come in. */
import jpeg from "jpeg-js";
import { PNG } from "pngjs";

/** A PNG whose pixels are of one colour, or by their place. */
export function pngFile(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly [number, number, number],
): Uint8Array {
  return PNG.sync.write(Object.assign(new PNG({ width, height }), { data: Buffer.from(rgba(width, height, colour)) }));
}

/** The same as a JPEG of the best quality. */
export function jpegFile(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly [number, number, number],
): Uint8Array {
  return jpeg.encode({ width, height, data: rgba(width, height, colour) }, 100).data;
}

function rgba(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly [number, number, number],
): Uint8Array {
  return Uint8Array.from(
    Array.from({ length: width * height }, (_, i) => [...colour(i % width, Math.floor(i / width)), 255]).flat(),
  );
}

/** An .npy of version 1. */
export function npyFile(type: string, shape: readonly number[], elements: Uint8Array, order = "False"): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${sizes}), }`;
  const header = `${dict}${" ".repeat(63 - ((10 + dict.length) % 64))}\n`;
  return Buffer.concat([
    Uint8Array.of(0x93, ...Buffer.from("NUMPY"), 1, 0, header.length & 255, header.length >> 8),
    Buffer.from(header),
    elements,
  ]);
}

/** `count` records of CIFAR-10 with labels 0, 1, 2, … and pixels that count on. */
export function cifarFile(count: number): Uint8Array {
  const bytes = new Uint8Array(count * 3073);
  for (let image = 0; image < count; image++) {
    for (let at = 0; at < 3073; at++) bytes[image * 3073 + at] = at === 0 ? image % 10 : (image * 31 + at) % 256;
  }
  return bytes;
}
