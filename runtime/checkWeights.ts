import { NetworkError } from "./errors.ts";

/** Throws where a weight or a running statistic is not finite; `when` says after what. */
export function checkWeights(weights: Readonly<Record<string, Float32Array>>, when: string): void {
  for (const name in weights) {
    if (!weights[name]?.every(Number.isFinite)) throw new NetworkError("loss", `${name} is not finite after ${when}`);
  }
}
