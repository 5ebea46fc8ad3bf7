/**
 * In: a network's plan, and the plans that were tuned for single adapters. Out: one plan that holds them all: kernels stand in one list,
 * each text once, and of a tuned plan only what differs.
 *
 *   before: plan { kernels: [a, b], training }, tuned { kernels: [a, c], training' }
 *   after:  plan { kernels: [a, b, c], training, tuned: [{ adapter, plan: { training'' } }] }
 */
import type {
  AdapterIdentity, DispatchPlan, InferencePlan, KernelPlan, NetworkPlan, PreparationPlan, TrainingPlan, TunedPlan,
} from "../../runtime/plan.ts"; // prettier-ignore
import { minifiedText } from "./packTexts.ts";

/** A plan compiled with what was measured on an adapter. */
export interface PlanOfAdapter {
  readonly adapter: AdapterIdentity;
  readonly plan: NetworkPlan;
}

/** The plan with others for their adapters, before those that it has; those that differ in nothing are left out. */
export function addTunedPlans(plan: NetworkPlan, others: readonly PlanOfAdapter[]): NetworkPlan {
  if (others.length === 0) return plan;
  const kernels = [...plan.kernels];
  const indexOf = new Map(kernels.map((kernel, index) => [textOf(kernel), index]));
  const add = (kernel: KernelPlan): number => {
    const text = textOf(kernel);
    const known = indexOf.get(text);
    if (known !== undefined) return known;
    indexOf.set(text, kernels.length);
    const isTaken = kernels.some(({ name }) => name === kernel.name);
    kernels.push(isTaken ? { ...kernel, name: `${kernel.name}_tuned` } : kernel);
    return kernels.length - 1;
  };
  const tuned = others.flatMap(({ adapter, plan: other }): readonly TunedPlan[] => {
    const indices = other.kernels.map(add);
    const renumbered = withKernels(other, (index) => indices[index] ?? index);
    const difference = differenceOf(plan, renumbered);
    // One that differs in nothing still stands before what the plan has for adapters of its kind.
    const isNothing = Object.keys(difference).length === 0 && plan.tuned === undefined;
    return isNothing ? [] : [{ adapter, plan: difference }];
  });
  return tuned.length === 0 ? plan : { ...plan, kernels, tuned: [...tuned, ...(plan.tuned ?? [])] };
}

/** Comments apart: they name layers that share a kernel. */
function textOf({ wgsl, workgroupSize }: KernelPlan): string {
  return `${workgroupSize}\n${minifiedText(wgsl)}`;
}

/** What one plan has otherwise than another, but for its kernels. */
function differenceOf(plan: NetworkPlan, other: NetworkPlan): Partial<NetworkPlan> {
  const { kernels: _kernels, requiredFeatures = [], ...rest } = other;
  const entries = Object.entries({ ...rest, requiredFeatures }).filter(([name, value]) => {
    const own = plan[name as keyof NetworkPlan] ?? (name === "requiredFeatures" ? [] : undefined);
    return JSON.stringify(own) !== JSON.stringify(value);
  });
  return Object.fromEntries(entries);
}

/** The plan with its dispatches' kernels renumbered. */
function withKernels(plan: NetworkPlan, place: (kernel: number) => number): NetworkPlan {
  const moved = (dispatches: readonly DispatchPlan[]): readonly DispatchPlan[] =>
    dispatches.map((dispatch) => ({ ...dispatch, kernel: place(dispatch.kernel) }));
  const { training, inference, preparation } = plan;
  return {
    ...plan,
    ...(training !== undefined && { training: movedTraining(training, moved) }),
    inference: { ...inference, dispatches: moved(inference.dispatches) } satisfies InferencePlan,
    ...(preparation !== undefined && { preparation: movedPreparation(preparation, moved) }),
  };
}

type Move = (dispatches: readonly DispatchPlan[]) => readonly DispatchPlan[];

function movedTraining(training: TrainingPlan, moved: Move): TrainingPlan {
  const { dispatches, update, collect, gather } = training;
  return {
    ...training,
    dispatches: moved(dispatches),
    update: moved(update),
    collect: moved(collect),
    ...(gather !== undefined && { gather: moved(gather) }),
  };
}

function movedPreparation(preparation: PreparationPlan, moved: Move): PreparationPlan {
  const { training, inference } = preparation;
  return {
    ...preparation,
    ...(training !== undefined && { training: moved(training) }),
    inference: moved(inference),
  };
}
