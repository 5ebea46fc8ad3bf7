/** What a verification found, independent of how it is printed. */
import type { MeasuredCase, ExpectedTensors } from "./caseFile.ts";
import { UserError } from "../files/userError.ts";
import { largest, median, tensorError } from "./measureError.ts";

/** One quantity of a case: the worst error among its tensors, beside the tolerance. */
export interface Quantity {
  readonly name: string;
  readonly error: number;
  readonly tolerance: number;
  readonly passes: boolean;
  /** The tensor with the largest error, where there are several. */
  readonly worst?: string;
}

export interface CaseReport {
  readonly name: string;
  readonly quantities: readonly Quantity[];
  readonly passes: boolean;
}

/** An actual tensor: values in row-major order with their shape. */
export interface ActualTensor {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export function reportOf(name: string, quantities: readonly Quantity[]): CaseReport {
  return { name, quantities, passes: quantities.length > 0 && quantities.every(({ passes }) => passes) };
}

/** A quantity with one number; NaN is a miss. */
export function quantity(name: string, error: number, tolerance: number, worst?: string): Quantity {
  return { name, error, tolerance, passes: error <= tolerance, ...(worst === undefined ? {} : { worst }) };
}

/** A quantity of several tensors: the largest of their errors, with the tensor that has it. */
export function worstQuantity(name: string, errors: ReadonlyMap<string, number>, tolerance: number): Quantity {
  const worst = largest([...errors.values()]);
  const [where] = [...errors].find(([, error]) => Object.is(error, worst)) ?? [];
  return quantity(name, worst, tolerance, where);
}

/** A quantity that must be exact: 0 when `holds`, else `by`. */
export function exactQuantity(name: string, by: number): Quantity {
  return quantity(name, by, 0);
}

/**
 * Compares a group of tensors (`outputs`, `grads` …) by name; the worst of them makes the quantity, and the median another
 * where the case has a tolerance for it. A missing tensor is an error of NaN; another shape throws `UserError`.
 */
export function tensorQuantities(
  test: MeasuredCase,
  group: "outputs" | "grads" | "input_grads" | "buffers_after" | "params_after" | "eval_logits",
  actual: ReadonlyMap<string, ActualTensor>,
  floor = 0,
): readonly Quantity[] {
  const expected: ExpectedTensors = test.expect[group] ?? {};
  const names = Object.keys(expected);
  if (names.length === 0) return [];
  const errorOf = (name: string): number => {
    const reference = expected[name] as ExpectedTensors[string];
    const tensor = actual.get(name);
    if (tensor === undefined) return NaN;
    if (!sameShape(tensor.shape, reference.shape)) {
      throw new UserError(
        `${test.name}: ${group} of ${name} has shape [${tensor.shape.join(", ")}], expected [${reference.shape.join(", ")}]`,
      );
    }
    return tensorError(tensor.values, reference, test.stored, test.measure, floor);
  };
  const errors = new Map(names.map((name) => [name, errorOf(name)]));
  const quantities = [worstQuantity(group, errors, toleranceOf(test, group))];
  const medianTolerance = test.tolerance[`${group}_median`];
  if (medianTolerance !== undefined) {
    quantities.push(quantity(`${group}_median`, median([...errors.values()]), medianTolerance));
  }
  return quantities;
}

/** The tolerance of a group; a case without one is not a case. */
export function toleranceOf(test: MeasuredCase, group: string): number {
  const tolerance = test.tolerance[group];
  if (tolerance === undefined) throw new Error(`${test.name} has no tolerance for ${group}`);
  return tolerance;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
