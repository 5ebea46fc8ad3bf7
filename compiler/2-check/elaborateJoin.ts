/** `concat`, `add` and `multiply`: branches that start from one value, and the node that joins their ends. */
import { noBranches, stepAmongBranches } from "../diagnostics/names.ts";
import { addShapes, concatSizes, multiplyShapes } from "../diagnostics/shapes.ts";
import type { Body, BranchStatement, JoinStep, Statement } from "../ir/ast.ts";
import type { Origin, TensorType } from "../ir/graph.ts";
import { arriving } from "./applyLayer.ts";
import { bindPattern } from "./bindPattern.ts";
import { controlBodies, isControl } from "./control.ts";
import { evaluate } from "./evaluate.ts";
import { placeOf, sourceNote, type BodyKind, type BodyPlace, type Flow } from "./frame.ts";
import { StepFailed } from "./graphBuilder.ts";
import { innerScope } from "./scope.ts";
import { shapeText, type Tensor } from "./values.ts";

export type ElaborateBody = (body: Body, flow: Flow, around: BodyPlace, kind?: BodyKind) => Flow;

interface BranchEnd {
  readonly statement: BranchStatement;
  readonly end: Flow;
}

/** The joined value; "error" after a diagnostic. */
export function elaborateJoin(step: JoinStep, flow: Flow, place: BodyPlace, elaborateBody: ElaborateBody): Flow {
  const { frame } = place;
  const branches: BranchEnd[] = [];
  // A branch may begin with `from`, so a join needs no value of its own; a branch that does need one says so.
  const complete = gather(step, step.body.statements, flow, { ...place, scope: innerScope(place.scope) }, branches, elaborateBody); // prettier-ignore
  if (!complete) return "error";
  if (branches.length === 0) {
    frame.context.report(noBranches.at(step.keywordSpan, { join: step.join }));
    return "error";
  }
  const ends: Tensor[] = [];
  for (const { statement, end } of branches) {
    const tensor = arriving(end, statement.span, frame);
    if (tensor === undefined) return "error";
    ends.push(tensor);
  }
  if (!branchesFit(step, branches, ends, place)) return "error";
  try {
    return join(step, ends, place);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    frame.context.report(error.diagnostic);
    return "error";
  }
}

/** Walks the branches of a join's body, those of its loops and conditions too; false after a diagnostic. */
function gather(
  step: JoinStep,
  statements: readonly Statement[],
  flow: Flow,
  place: BodyPlace,
  branches: BranchEnd[],
  elaborateBody: ElaborateBody,
): boolean {
  const { context } = place.frame;
  let complete = true;
  for (const statement of statements) {
    context.spend(statement.span);
    const control = controlOf(statement);
    if (statement.kind === "branch") {
      branches.push({ statement, end: elaborateBody(statement.body, flow, place, "branch") });
    } else if (control !== undefined) {
      for (const round of controlBodies(control, flow, place)) {
        const { statements: inner } = round?.body ?? { statements: [] };
        const done = round !== undefined && gather(step, inner, flow, round.place, branches, elaborateBody);
        complete = done && complete;
      }
    } else if (statement.kind === "let") {
      const value = evaluate(statement.value, placeOf(place, flow), context);
      bindPattern(statement.pattern, value, statement.value.span, place.scope.names, context);
    } else if (statement.kind === "error") {
      elaborateBody({ span: statement.span, statements: [statement] }, flow, place, "branch");
    } else {
      complete = false;
      if (isMissing(statement)) continue;
      const help = statement.kind === "chain" ? "write `branch { … }` around it" : undefined;
      context.report(stepAmongBranches.at(statement.span, { join: step.join }, { help }));
    }
  }
  return complete;
}

function controlOf(statement: Statement) {
  if (statement.kind !== "chain" || statement.from !== undefined || statement.links.length !== 1) return undefined;
  const [link] = statement.links;
  return link?.as.length === 0 && isControl(link.step) ? link.step : undefined;
}

/** What the parser put where it found nothing: reported there. */
function isMissing(statement: Statement): boolean {
  return statement.kind === "chain" && statement.links.some(({ step }) => step.kind === "missingStep");
}

/** Whether the branches' shapes can be joined; reports the first that cannot. */
function branchesFit(
  step: JoinStep,
  branches: readonly BranchEnd[],
  ends: readonly Tensor[],
  place: BodyPlace,
): boolean {
  const { context } = place.frame;
  const [first] = ends;
  if (first === undefined) return false;
  let shape = first.type.shape;
  for (const [i, end] of ends.entries()) {
    const joined = joinedShape(step.join, shape, end.type.shape);
    if (joined !== undefined) {
      shape = i === 0 ? shape : joined;
      continue;
    }
    const params = { branch: i + 1, found: shapeText(end.type), first: shapeText({ ...first.type, shape }) };
    const notes = [sourceNote(params.found, end), sourceNote(shapeText(first.type), first)];
    const span = branches[i]?.statement.span ?? step.span;
    const vectors = end.type.shape.length === 1 || shape.length === 1;
    if (step.join === "concat") {
      const firstText = shapeText(first.type);
      context.report(concatSizes.at(span, { ...params, first: firstText, vectors }, { notes }));
    } else if (step.join === "add") context.report(addShapes.at(span, params, { notes }));
    else context.report(multiplyShapes.at(span, params, { notes }));
    return false;
  }
  return true;
}

/** The shape of two joined values; undefined when they do not fit. */
function joinedShape(
  join: JoinStep["join"],
  a: readonly number[],
  b: readonly number[],
): readonly number[] | undefined {
  if (a.length !== b.length) return undefined;
  if (join === "concat") {
    const [channels = 0, ...rest] = a;
    const [others = 0, ...otherRest] = b;
    return rest.every((size, i) => size === otherRest[i]) ? [channels + others, ...rest] : undefined;
  }
  if (a.every((size, i) => size === b[i])) return a;
  if (join === "add" || a.length !== 3 || a[0] !== b[0]) return undefined;
  if (b[1] === 1 && b[2] === 1) return a;
  return a[1] === 1 && a[2] === 1 ? b : undefined;
}

function join(step: JoinStep, ends: readonly Tensor[], place: BodyPlace): Flow {
  const { frame } = place;
  const [first, ...others] = ends;
  if (first === undefined || others.length === 0) return first ?? "error";
  const calls = frame.calls.map(({ block, span }) => ({ block, span }));
  const module = frame.paths.prefix.slice(0, -1);
  const origin: Origin = { span: step.span, calls, path: "", ...(module !== "" && { module }) };
  const madeBy = { what: step.join, span: step.keywordSpan, within: frame.within };
  const typed = (shape: readonly number[]): TensorType => ({ ...first.type, shape });
  if (step.join === "concat") {
    const shape = others.reduce(
      (joined, { type }) => joinedShape("concat", joined, type.shape) ?? joined,
      first.type.shape,
    );
    const inputs = Object.fromEntries(ends.map(({ id }, i) => [`x${i}`, id]));
    const id = frame.graph.typedNode("concat", inputs, {}, typed(shape), origin);
    return { id, type: typed(shape), madeBy };
  }
  const kind = step.join;
  return others.reduce((left, right) => {
    const shape = joinedShape(kind, left.type.shape, right.type.shape) ?? left.type.shape;
    // The larger one comes first, so that a kernel spreads only its second input.
    const [x0, x1] = shape === left.type.shape ? [left.id, right.id] : [right.id, left.id];
    const id = frame.graph.typedNode(kind, { x0, x1 }, {}, typed(shape), origin);
    return { id, type: typed(shape), madeBy };
  }, first);
}
