/** Prints folded indices as WGSL; a division that does not fold is a `let`, made once. */
import { addAffine, atomKey, constantAffine, rangeOf, variablesOf } from "../ir/affine.ts";
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
    for (const name of variablesOf(affine)) level = Math.max(level, scopes.levelOf(name));
    return level;
  }

  function index(affine: Affine): string {
    const terms = affine.terms.map(({ atom, coefficient }) => {
      const text = atomText(atom);
      return {
        negative: coefficient < 0,
        text: Math.abs(coefficient) === 1 ? text : `${text} * ${Math.abs(coefficient)}`,
      };
    });
    if (affine.constant !== 0 || terms.length === 0)
      terms.push({ negative: affine.constant < 0, text: String(Math.abs(affine.constant)) });
    terms.sort((a, b) => Number(a.negative) - Number(b.negative));
    return terms
      .map(({ negative, text }, i) => (i === 0 ? (negative ? `-${text}` : text) : ` ${negative ? "-" : "+"} ${text}`))
      .join("");
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
