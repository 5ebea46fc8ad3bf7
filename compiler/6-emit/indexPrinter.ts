/** Prints folded indices as WGSL; a division that does not fold is a `let`, made once. */
import { addAffine, atomKey, constantAffine, rangeOf } from "../ir/affine.ts";
import type { Affine, Atom } from "../ir/affine.ts";
import type { Scopes } from "./wgslWriter.ts";

export interface IndexPrinter {
  index(affine: Affine): string;
  /** The loop level that an index depends on. */
  levelOf(affine: Affine): number;
}

export function createIndexPrinter(scopes: Scopes): IndexPrinter {
  function levelOf(affine: Affine): number {
    let level = 0;
    for (const { atom } of affine.terms)
      level = Math.max(level, atom.kind === "variable" ? scopes.levelOf(atom.name) : levelOf(atom.of));
    return level;
  }

  /** Positive terms first. */
  function index(affine: Affine): string {
    let text = "";
    let negative = "";
    for (const { atom, coefficient } of affine.terms) {
      const name = atomText(atom);
      const size = Math.abs(coefficient);
      const term = size === 1 ? name : `${name} * ${size}`;
      if (coefficient < 0) negative += negative === "" ? term : ` - ${term}`;
      else text += text === "" ? term : ` + ${term}`;
    }
    const { constant } = affine;
    if (constant < 0) negative += negative === "" ? String(-constant) : ` - ${-constant}`;
    else if (constant > 0) text += text === "" ? String(constant) : ` + ${constant}`;
    if (negative === "") return text === "" ? "0" : text;
    return text === "" ? `-${negative}` : `${text} - ${negative}`;
  }

  /** `div` and `mod` of something that is never negative are WGSL's own; of another, it is shifted into range first. */
  function atomText(atom: Atom): string {
    if (atom.kind === "variable") return atom.name;
    const { low } = rangeOf(atom.of, scopes.ranges);
    const shift = low >= 0 ? 0 : Math.ceil(-low / atom.by) * atom.by;
    const level = levelOf(atom.of);
    return scopes.define(atomKey(atom), atom.kind === "div" ? "quotient" : "remainder", level, () => {
      const shifted = index(addAffine(atom.of, constantAffine(shift)));
      if (atom.kind === "mod") return `(${shifted}) % ${atom.by}`;
      return shift === 0 ? `(${shifted}) / ${atom.by}` : `(${shifted}) / ${atom.by} - ${shift / atom.by}`;
    });
  }

  return { index, levelOf };
}
