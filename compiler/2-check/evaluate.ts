/**
 * Static expressions: an expression and the names around it in, a value out. A mistake is reported once and gives an
 * error value, which every operation passes on in silence.
 */
import {
  divisionByZero, noShapeHere, noSuchMember, notACondition, notCallable, notWhole, numberOverflow, outOfRange,
  unknownName, userError, wrongArgument, wrongOperand,
} from "../diagnostics/names.ts"; // prettier-ignore
import { unknownShapeMember } from "../diagnostics/shapes.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type {
  Argument,
  BinaryExpr,
  CallExpr,
  ErrorExpr,
  ErrorStatement,
  Expr,
  LetStatement,
  MemberExpr,
} from "../ir/ast.ts";
import type { Span } from "../ir/source.ts";
import type { LayerArgument } from "../ir/argument.ts";
import { bindArguments, signatureOf } from "./bindArguments.ts";
import { bindPattern } from "./bindPattern.ts";
import type { CheckContext } from "./context.ts";
import type { FileScope } from "./fileScope.ts";
import { callFunction, functionNames } from "./functions.ts";
import { fileLevelScope, findCallable, findValue, lookUpValue, valueNames, type Scope } from "./scope.ts";
import {
  describeValue,
  errorValue,
  numberValue,
  shapeText,
  type CallTarget,
  type Tensor,
  type Value,
} from "./values.ts";

/** Where an expression stands: its names, and what arrives there ("nothing" above `input` and at file level). */
export interface Place {
  readonly scope: Scope;
  readonly arriving: Tensor | "nothing" | "error";
}

/** The value of an expression. */
export function evaluate(expr: Expr, place: Place, context: CheckContext): Value {
  context.spend(expr.span);
  switch (expr.kind) {
    case "number":
      return numberValue(expr.value);
    case "string":
      return { kind: "string", value: expr.value };
    case "boolean":
      return { kind: "boolean", value: expr.value };
    case "name":
      return lookUpValue({ text: expr.name, span: expr.span }, place.scope, context, letEvaluator(context));
    case "in":
    case "missing":
      return errorValue;
    case "member":
      return evaluateMember(expr, place, context);
    case "call":
      return evaluateCall(expr, place, context);
    case "unary":
      return evaluateUnary(expr.operator, evaluate(expr.operand, place, context), expr.operand.span, context);
    case "binary":
      return evaluateBinary(expr, place, context);
    case "tuple":
      return { kind: "tuple", items: expr.items.map((item) => evaluate(item, place, context)) };
    case "ifValue": {
      const condition = evaluateCondition(expr.condition, place, context);
      if (condition === undefined) return errorValue;
      return evaluate(condition ? expr.then : expr.otherwise, place, context);
    }
    case "errorValue":
      reportUserError(expr, place, context);
      return errorValue;
  }
}

/** `error "sentence"` has been reached. */
export function reportUserError(error: ErrorStatement | ErrorExpr, place: Place, context: CheckContext): void {
  const message = evaluate(error.message, place, context);
  if (message.kind === "error") return;
  if (message.kind === "string") {
    context.report(userError.at(error.span, { message: message.value }));
    return;
  }
  const found = describeValue(message);
  context.report(wrongArgument.at(error.message.span, { name: "error", expected: "a string", found }));
}

/** The truth of a condition; undefined after a diagnostic. */
export function evaluateCondition(expr: Expr, place: Place, context: CheckContext): boolean | undefined {
  const value = evaluate(expr, place, context);
  if (value.kind === "boolean") return value.value;
  if (value.kind !== "error") context.report(notACondition.at(expr.span, { found: describeValue(value) }));
  return undefined;
}

/** A whole number of at least `least`; undefined after a diagnostic. `what` names it in the message. */
export function evaluateWhole(
  expr: Expr,
  what: string,
  least: number,
  place: Place,
  context: CheckContext,
): number | undefined {
  const value = evaluate(expr, place, context);
  if (value.kind === "error") return undefined;
  if (value.kind !== "number" || !Number.isInteger(value.value)) {
    context.report(notWhole.at(expr.span, { what, found: describeValue(value) }, { help: wholeHelp(value) }));
    return undefined;
  }
  if (value.value >= least) return value.value;
  context.report(outOfRange.at(expr.span, { what, range: `at least ${least}`, found: String(value.value) }));
  return undefined;
}

/** "floor(…) rounds down" where a number is not whole. */
export function wholeHelp(value: Value): string | undefined {
  return value.kind === "number" ? "`floor(…)` rounds down, `ceil(…)` up, `round(…)` to the nearest" : undefined;
}

/** Works out the `let`s of files. */
export function letEvaluator(context: CheckContext) {
  return (statement: LetStatement, file: FileScope): ReadonlyMap<string, Value> => {
    const place: Place = { scope: fileLevelScope(file), arriving: "nothing" };
    const names = new Map<string, Value>();
    const root = context.root ?? context;
    bindPattern(statement.pattern, evaluate(statement.value, place, root), statement.value.span, names, root);
    return names;
  };
}

function evaluateMember(expr: MemberExpr, place: Place, context: CheckContext): Value {
  const { text: member, span } = expr.member;
  if (expr.object.kind === "in") {
    if (place.arriving === "error") return errorValue;
    if (place.arriving !== "nothing") return shapeMember(place.arriving, "what arrives here", expr, context);
    context.report(noShapeHere.at(expr.object.span, {}));
    return errorValue;
  }
  if (expr.object.kind === "name") {
    const named = findValue(expr.object.name, place.scope, context, letEvaluator(context));
    if (named?.kind === "tensor") {
      if (named.tensor === "error") return errorValue;
      return shapeMember(named.tensor, `\`${expr.object.name}\``, expr, context);
    }
  }
  const object = evaluate(expr.object, place, context);
  if (object.kind === "error" || member === "") return errorValue;
  const item = object.kind === "tuple" && /^\d+$/.test(member) ? object.items[Number(member)] : undefined;
  if (item !== undefined) return item;
  const last = object.kind === "tuple" ? object.items.length - 1 : -1;
  const help =
    last < 0
      ? undefined
      : last === 0
        ? "its one member is 0"
        : `its members are 0 ${last === 1 ? "and" : "to"} ${last}`;
  context.report(noSuchMember.at(span, { what: describeValue(object), member }, { help }));
  return errorValue;
}

const shapeMembers = ["channels", "height", "width", "features"] as const;

function shapeMember({ type, madeBy }: Tensor, what: string, expr: MemberExpr, context: CheckContext): Value {
  const { text: member, span } = expr.member;
  if (member === "") return errorValue;
  const [channels, height, width] = type.shape;
  const sizes: Partial<Record<string, number | undefined>> =
    type.shape.length === 1 ? { features: type.shape[0] } : { channels, height, width };
  const size = sizes[member];
  if (size !== undefined) return numberValue(size);
  if ((shapeMembers as readonly string[]).includes(member)) {
    const shape = shapeText(type);
    const notes = [{ message: `${shape} ${comeOrComes(type)} from ${madeBy.what}`, span: madeBy.span }];
    context.report(unknownShapeMember.at(expr.span, { what, member, shape }, { notes }));
  } else {
    const help = didYouMean(member, shapeMembers) ?? `a shape has ${Object.keys(sizes).map((name) => `\`${name}\``).join(", ")}`; // prettier-ignore
    context.report(noSuchMember.at(span, { what: "a shape", member }, { help }));
  }
  return errorValue;
}

function comeOrComes(type: Tensor["type"]): string {
  return type.shape.length === 1 && type.shape[0] !== 1 ? "come" : "comes";
}

function evaluateCall(expr: CallExpr, place: Place, context: CheckContext): Value {
  const { text: name, span } = expr.callee;
  if (functionNames.includes(name)) {
    return callFunction(expr, expr.args.map(({ value }) => evaluate(value, place, context)), context); // prettier-ignore
  }
  const { found, passedOver } = findCallable(name, place.scope, context, letEvaluator(context));
  if (found === undefined || found === "error") {
    expr.args.forEach(({ value }) => evaluate(value, place, context));
    if (found === "error" || name === "") return errorValue;
    if (passedOver !== undefined) {
      const what = passedOver === "model" ? "a model" : describeValue(passedOver);
      context.report(notCallable.at(span, { name, found: what }));
    } else {
      const help = didYouMean(name, [...functionNames, ...valueNames(place.scope, context)]);
      context.report(unknownName.at(span, { name }, { help }));
    }
    return errorValue;
  }
  const bound = bindCall(found.target, expr.args, place, context);
  return bound === undefined ? errorValue : { ...found, held: new Map([...found.held, ...bound]) };
}

/** The arguments of a call, evaluated and bound to the names of what is called; undefined after a diagnostic. */
export function bindCall(
  target: CallTarget,
  args: readonly Argument[],
  place: Place,
  context: CheckContext,
): ReturnType<typeof bindArguments> {
  return bindArguments(signatureOf(target), args, argumentEvaluator(definitionsOf(target), place, context), context);
}

/** What is known of the arguments of a layer; nothing of a block's. */
function definitionsOf(target: CallTarget): readonly LayerArgument[] {
  return target.kind === "layer" ? target.layer.arguments : [];
}

/**
 * Evaluates the arguments of a layer, a block or a part of a recipe. Where an argument knows words, an unknown name is one of
 * them or a misspelt one: it is handed on as a word, and the argument's own check says which there are.
 */
export function argumentEvaluator(definitions: readonly LayerArgument[], place: Place, context: CheckContext) {
  return (expr: Expr, parameter: string | undefined): Value => {
    const words = definitions.find(({ name }) => name === parameter)?.words;
    const isWord =
      words !== undefined &&
      expr.kind === "name" &&
      findValue(expr.name, place.scope, context, letEvaluator(context)) === undefined;
    return isWord ? { kind: "word", word: expr.name } : evaluate(expr, place, context);
  };
}

function evaluateUnary(operator: "-" | "not", value: Value, span: Span, context: CheckContext): Value {
  if (value.kind === "error") return errorValue;
  if (operator === "-" && value.kind === "number") return numberValue(value.value === 0 ? 0 : -value.value);
  if (operator === "not" && value.kind === "boolean") return { kind: "boolean", value: !value.value };
  const expected = operator === "-" ? "a number" : "`true` or `false`";
  context.report(wrongOperand.at(span, { operator, expected, found: describeValue(value) }));
  return errorValue;
}

function evaluateBinary(expr: BinaryExpr, place: Place, context: CheckContext): Value {
  const { operator } = expr;
  const left = evaluate(expr.left, place, context);
  if (operator === "and" || operator === "or") {
    const known = truth(left, expr.left.span, operator, context);
    if (known === undefined) return errorValue;
    // The right side may be meaningless when the left decides: `len(c) > 2 and c.2 > 8`.
    if (known === (operator === "or")) return { kind: "boolean", value: known };
    const other = truth(evaluate(expr.right, place, context), expr.right.span, operator, context);
    return other === undefined ? errorValue : { kind: "boolean", value: other };
  }
  const right = evaluate(expr.right, place, context);
  if (left.kind === "error" || right.kind === "error") return errorValue;
  if (operator === "==" || operator === "!=") {
    return { kind: "boolean", value: valuesEqual(left, right, expr.span, context) === (operator === "==") };
  }
  for (const [value, side] of [
    [left, expr.left],
    [right, expr.right],
  ] as const) {
    // prettier-ignore
    if (value.kind === "number") continue;
    context.report(wrongOperand.at(side.span, { operator, expected: "numbers", found: describeValue(value) }));
    return errorValue;
  }
  if (left.kind !== "number" || right.kind !== "number") return errorValue;
  return arithmetic(expr, operator, left.value, right.value, context);
}

function truth(value: Value, span: Span, operator: string, context: CheckContext): boolean | undefined {
  if (value.kind === "boolean") return value.value;
  if (value.kind !== "error") {
    context.report(wrongOperand.at(span, { operator, expected: "`true` and `false`", found: describeValue(value) }));
  }
  return undefined;
}

type NumberOperator = Exclude<BinaryExpr["operator"], "and" | "or" | "==" | "!=">;

function arithmetic(expr: BinaryExpr, operator: NumberOperator, a: number, b: number, context: CheckContext): Value {
  const text = `${a} ${operator} ${b}`;
  if ((operator === "/" || operator === "%") && b === 0) {
    context.report(divisionByZero.at(expr.span, { text }));
    return errorValue;
  }
  const result = compute(operator, a, b);
  if (typeof result === "boolean") return { kind: "boolean", value: result };
  const wholeOperands = Number.isInteger(a) && Number.isInteger(b) && operator !== "/";
  if (!Number.isFinite(result) || (wholeOperands && Math.abs(result) > Number.MAX_SAFE_INTEGER && isExact(a, b))) {
    context.report(numberOverflow.at(expr.span, { text }));
    return errorValue;
  }
  return numberValue(result === 0 ? 0 : result);
}

/** Both could still be counted exactly, so a result that cannot is a surprise. */
function isExact(a: number, b: number): boolean {
  return Math.abs(a) <= Number.MAX_SAFE_INTEGER && Math.abs(b) <= Number.MAX_SAFE_INTEGER;
}

function compute(operator: NumberOperator, a: number, b: number): number | boolean {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      // The remainder of floor(a / b): never of the other sign than b, as in Python.
      return a - b * Math.floor(a / b);
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
  }
}

/** Values of different kinds are unequal; tuples and held arguments are compared one by one. */
function valuesEqual(a: Value, b: Value, span: Span, context: CheckContext): boolean {
  context.spend(span);
  if (a === b) return true;
  if (a.kind === "number" && b.kind === "number") return a.value === b.value;
  if (a.kind === "boolean" && b.kind === "boolean") return a.value === b.value;
  if (a.kind === "string" && b.kind === "string") return a.value === b.value;
  if (a.kind === "word" && b.kind === "word") return a.word === b.word;
  if (a.kind === "tuple" && b.kind === "tuple") {
    const equal = (item: Value, i: number): boolean => valuesEqual(item, b.items[i] ?? errorValue, span, context);
    return a.items.length === b.items.length && a.items.every(equal);
  }
  if (a.kind !== "callable" || b.kind !== "callable") return false;
  const sameTarget =
    a.target.kind === "layer"
      ? b.target.kind === "layer" && a.target.layer === b.target.layer
      : b.target.kind === "block" && a.target.block === b.target.block;
  if (!sameTarget || a.held.size !== b.held.size) return false;
  return [...a.held].every(([name, { value }]) => {
    const other = b.held.get(name);
    return other !== undefined && valuesEqual(value, other.value, span, context);
  });
}
