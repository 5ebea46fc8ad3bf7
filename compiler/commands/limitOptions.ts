/** `--limits default` and `--limit name=value`: for which adapter a network is planned. */
import { didYouMean } from "../diagnostics/suggest.ts";
import { UserError } from "../files/userError.ts";

/** The limits of WebGPU that a plan depends on, with what every adapter offers. */
export const webGpuLimits: Readonly<Record<string, number>> = {
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16_384,
};

/** Limits from texts `name=value`, the later ones winning, in place of the defaults; throws `UserError` at any other text. */
export function parseLimits(texts: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name = "", value = "", ...more] = text.split("=").map((part) => part.trim());
      if (!Object.hasOwn(webGpuLimits, name)) {
        const known = didYouMean(name, Object.keys(webGpuLimits)) ?? `they are ${Object.keys(webGpuLimits).join(", ")}`;
        throw new UserError(`--limit ${text}: no limit is called ${JSON.stringify(name)}; ${known}`, 2);
      }
      const number = Number(value);
      if (more.length > 0 || !/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < 1) {
        throw new UserError(`--limit ${text}: ${name} takes a whole number from 1, as in ${name}=${String(webGpuLimits[name])}`, 2); // prettier-ignore
      }
      return [name, number];
    }),
  );
}
