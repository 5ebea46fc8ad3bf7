/**
 * What the parts of a schedule cost, in multiply-adds: what the search for one goes by. A software adapter's were fitted to 1,500 kernels
 * of six networks, and with quads to 700 more of five, each timed beside another of its network on SwiftShader; a GPU's are none that were
 * measured, but there, too, reuse in registers is what a tile is for.
 */
export interface ScheduleCosts {
  /** A load of one element whose address the kernel computes. */
  readonly scalarLoad: number;
  /** A load of four neighbours. */
  readonly vectorLoad: number;
  /** A load from a constant address. */
  readonly constantLoad: number;
  /** An element of a row that is loaded whole, in vectors, though taps fall outside of it. */
  readonly rowElement: number;
  /** What a load that may fall outside its tensor costs, in such loads that cannot. */
  readonly conditional: number;
  /** An element from the invocation of the quad that has loaded it. */
  readonly broadcast: number;
  /** What such an element costs more where it may fall outside its tensor: the choice between it and zero is each invocation's own. */
  readonly padded: number;
  /** A pass of the innermost loop, beside what it does; and each of its steps where they are several. */
  readonly pass: number;
  readonly passStep: number;
  /** A sum in each pass, however often the pass adds to it. */
  readonly sum: number;
  /** Multiply-adds of a pass beyond which each costs more; at `twice` as many more, twice as much. */
  readonly longPass: { readonly from: number; readonly twice: number };
}

/** Of kernels whose invocations load each for itself. */
export const costsAlone: Readonly<Record<"cpu" | "gpu", ScheduleCosts>> = {
  cpu: {
    scalarLoad: 12,
    vectorLoad: 30,
    constantLoad: 3,
    rowElement: 7.3,
    conditional: 2,
    broadcast: 1,
    padded: 0,
    pass: 5,
    passStep: 0.6,
    sum: 6,
    longPass: { from: 170, twice: 150 },
  },
  // A sum stays in its register.
  gpu: {
    scalarLoad: 12,
    vectorLoad: 20,
    constantLoad: 3,
    rowElement: 8,
    conditional: 4 / 3,
    broadcast: 1,
    padded: 0,
    pass: 8,
    passStep: 8 / 3,
    sum: 0,
    longPass: { from: Infinity, twice: 1 },
  },
};

/** Of kernels that share loads in quads, and of others beside them. */
export const costsInQuads: Readonly<Record<"cpu" | "gpu", ScheduleCosts>> = {
  cpu: {
    scalarLoad: 14,
    vectorLoad: 36,
    constantLoad: 3,
    rowElement: 9.4,
    conditional: 1.7,
    broadcast: 0.1,
    padded: 1.9,
    pass: 6,
    passStep: 2,
    sum: 3.9,
    longPass: { from: 340, twice: 300 },
  },
  gpu: costsAlone.gpu,
};
