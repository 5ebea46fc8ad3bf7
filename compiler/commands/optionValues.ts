/** How the command line reads what its options are given; what does not fit is said by `InvalidArgumentError`. */
import { InvalidArgumentError } from "commander";

/** An option that may be repeated: all its values. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The same for an option that must be given. */
export function collectMore(value: string, before: readonly string[] | undefined): readonly string[] {
  return collect(value, before ?? []);
}

export function choice(...allowed: readonly string[]): (value: string) => string {
  return (value) => {
    if (!allowed.includes(value)) throw new InvalidArgumentError(`Allowed are ${allowed.join(" and ")}.`);
    return value;
  };
}

/** Names separated by commas, each of a `kind` that has those allowed. */
export function listOf(kind: string, allowed: readonly string[]): (value: string) => readonly string[] {
  return (value) => {
    const names = value.split(",").map((name) => name.trim());
    const unknown = names.find((name) => !allowed.includes(name));
    if (unknown === undefined) return names;
    throw new InvalidArgumentError(
      `There is no ${kind} ${JSON.stringify(unknown)}; allowed are ${allowed.join(", ")}.`,
    );
  };
}

export function positiveInteger(value: string): number {
  const number = wholeNumber(value);
  if (number < 1) throw new InvalidArgumentError("It must be at least 1.");
  return number;
}

export function wholeNumber(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 0xffff_ffff)
    throw new InvalidArgumentError("It must be a whole number below 2^32.");
  return number;
}
