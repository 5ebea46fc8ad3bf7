/** The reader of what the compiler's `packTexts` wrote. */
import type { KernelPlan } from "./plan.ts";

/** Kernels whose texts were packed; for generated modules. */
export function unpackKernels(
  kernels: readonly Omit<KernelPlan, "wgsl">[],
  templates: string,
  lines: string,
): readonly KernelPlan[] {
  const texts = unpackTexts(templates, lines);
  return kernels.map((kernel, index) => ({ ...kernel, wgsl: texts[index] ?? "" }));
}

/**
 * Texts that were packed for a small module, line by line: `templates`, "\n" between them, are lines without their whole numbers (`#`);
 * `lines` says for each line its template (in base 36) and how its numbers differ from those that the text gave the
 * template last; `*12` repeats the line before twelve times, `|` begins the next text. A `~` numbers its definitions 0, 1, 2, …
 */
export function unpackTexts(templates: string, lines: string): string[] {
  const patterns = templates.split("\n");
  return lines.split("|").map((text) => {
    const last: number[][] = [];
    const defined: Record<string, number> = {};
    const unpacked: string[] = [];
    let [pattern, steps]: [number, readonly number[]] = [0, []];
    for (const word of text.trim().split(/\s/)) {
      let times = 1;
      if (word.startsWith("*")) times = Number(word.slice(1) || 1);
      else {
        const [first = "", ...rest] = word.split(",");
        pattern = parseInt(first, 36);
        steps = rest.map(Number);
      }
      for (; times > 0; times--) {
        const numbers = (last[pattern] ??= []);
        let place = 0;
        unpacked.push(
          (patterns[pattern] ?? "")
            .replace(/(\w+)~/, (_, name: string) => `${name}${(defined[name] = (defined[name] ?? -1) + 1)}`)
            .replace(/#/g, () => {
              const number = (numbers[place] ?? 0) + (steps[place] ?? 0);
              numbers[place++] = number;
              return String(number);
            }),
        );
      }
    }
    return unpacked.join("\n");
  });
}
