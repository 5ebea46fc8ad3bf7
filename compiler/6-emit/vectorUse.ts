/** Which bindings are best taken as vectors of four, from the elements of them that a run has touched. */
import { affineKey } from "../ir/affine.ts";
import type { Affine } from "../ir/affine.ts";

export interface VectorUse {
  /** Notes a load or a store of one element. */
  touch(binding: string, linear: Affine): void;
  /** Whether vectors pay: a third as many of them are touched as elements, or fewer; of a narrow window most of a vector is not used. */
  pays(binding: string): boolean;
}

interface Touched {
  aligned: boolean;
  /** By an index's terms: the constants of the elements, and of the vectors that they lie in. */
  readonly byTerms: Map<string, { readonly scalars: Set<number>; readonly vectors: Set<number> }>;
}

/** Elements of a vector that must be used, on average. */
const leastUse = 3;

export function createVectorUse(): VectorUse {
  const touched = new Map<string, Touched>();
  return {
    touch(binding, linear) {
      let record = touched.get(binding);
      if (record === undefined) {
        record = { aligned: true, byTerms: new Map() };
        touched.set(binding, record);
      }
      if (!record.aligned) return;
      if (linear.terms.some((term) => term.coefficient % 4 !== 0)) {
        record.aligned = false;
        return;
      }
      const terms = affineKey({ terms: linear.terms, constant: 0 });
      let at = record.byTerms.get(terms);
      if (at === undefined) record.byTerms.set(terms, (at = { scalars: new Set(), vectors: new Set() }));
      at.scalars.add(linear.constant);
      at.vectors.add(Math.floor(linear.constant / 4));
    },
    pays(binding) {
      const record = touched.get(binding);
      if (record?.aligned !== true) return false;
      let [scalars, vectors] = [0, 0];
      for (const at of record.byTerms.values()) {
        scalars += at.scalars.size;
        vectors += at.vectors.size;
      }
      return vectors * leastUse <= scalars;
    },
  };
}
