/** Where gradients lie: as their parameters do. */
import { partStride } from "../ir/kernel.ts";
import type { Place, Slot } from "../ir/memory.ts";
import { alignBytes } from "./planMemory.ts";

/** One slot of gradients for each slot of parameters; each gradient in as many parts as its kernel sums. */
export function gradientBanks(
  gradients: readonly { readonly parts: number }[],
  parameterPlaces: readonly Place[],
): { readonly slots: readonly Slot[]; readonly places: readonly Place[] } {
  const slots: { name: string; sizeBytes: number; lifetime: "persistent" }[] = [];
  const places = parameterPlaces.map(({ slot: bank, sizeBytes: parameterBytes }, index): Place => {
    while (slots.length <= bank) {
      slots.push({
        name: slots.length === 0 ? "gradients" : `gradients${slots.length + 1}`,
        sizeBytes: 0,
        lifetime: "persistent",
      });
    }
    const sizeBytes = partStride(parameterBytes / 4) * 4 * (gradients[index]?.parts ?? 1);
    const slot = slots[bank];
    const place = { slot: bank, offsetBytes: slot?.sizeBytes ?? 0, sizeBytes };
    if (slot !== undefined) slot.sizeBytes += alignBytes(sizeBytes);
    return place;
  });
  return { slots, places };
}
