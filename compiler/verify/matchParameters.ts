import type { NetworkPlan, TensorPlan } from "../../runtime/plan.ts";
import { UserError } from "../files/userError.ts";
import type { CaseParameter } from "./caseFile.ts";
import { sameShape } from "./report.ts";

/** A tensor of the network beside the case's tensor that it must equal. */
export interface MatchedTensor {
  readonly plan: TensorPlan;
  readonly reference: CaseParameter;
}

export interface MatchedTensors {
  /** Trainable, in definition order. */
  readonly parameters: readonly MatchedTensor[];
  /** Running statistics, in definition order. */
  readonly states: readonly MatchedTensor[];
}

/** Pairs a case's tensors with the network's in the order of definition; throws `UserError` where shapes or counts differ. */
export function matchParameters(plan: NetworkPlan, params: readonly CaseParameter[], caseName: string): MatchedTensors {
  const isState = ({ role }: CaseParameter): boolean => role === "running_mean" || role === "running_var";
  return {
    parameters: pair(
      "trainable tensor",
      plan.parameters,
      params.filter((p) => !isState(p)),
      plan.name,
      caseName,
    ),
    states: pair("running statistic", plan.states, params.filter(isState), plan.name, caseName),
  };
}

function pair(
  what: string,
  own: readonly TensorPlan[],
  references: readonly CaseParameter[],
  network: string,
  caseName: string,
): readonly MatchedTensor[] {
  const count = Math.max(own.length, references.length);
  return Array.from({ length: count }, (_, index) => {
    const [plan, reference] = [own[index], references[index]];
    const describe = (tensor: { readonly name: string; readonly shape: readonly number[] } | undefined): string =>
      tensor === undefined ? "none" : `${tensor.name} of shape [${tensor.shape.join(", ")}]`;
    if (plan === undefined || reference === undefined || !sameShape(plan.shape, reference.shape)) {
      throw new UserError(
        `${network} is not the network of case ${caseName}: ${what} ${index + 1} is ${describe(plan)} in ${network} and ${describe(reference)} in the case ` +
          `(${own.length} and ${references.length} in all)`,
      );
    }
    return { plan, reference };
  });
}
