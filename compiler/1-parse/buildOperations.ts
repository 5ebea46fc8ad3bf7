/** A flat list of operands and operators to a tree, by precedence: `or`, `and`, `not`, comparisons, `+ -`, `* / %`. */
import { tokenMatcher, type IToken } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as syntax from "../diagnostics/syntax.ts";
import type { BinaryOperator, Expr } from "../ir/ast.ts";
import { joinSpans } from "../ir/source.ts";
import { missing, withDepth, type BuildContext } from "./buildContext.ts";
import { tokenSpan } from "./tokenSpans.ts";

export interface Operand {
  /** `-` and `not` before the value, as written. */
  readonly prefixes: readonly IToken[];
  readonly value: Expr;
}

const comparison = 4;
const operators: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  "==": comparison,
  "!=": comparison,
  "<": comparison,
  "<=": comparison,
  ">": comparison,
  ">=": comparison,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
};

/** The tree of `operands[0] signs[0] operands[1] …`; undefined if there is no operand at all. */
export function buildOperations(
  context: BuildContext,
  operands: readonly Operand[],
  signs: readonly IToken[],
): Expr | undefined {
  let next = 0; // the operand to be taken next; the operator before it is signs[next - 1]

  const takeOperand = (): Expr => {
    const operand = operands[next++];
    const end = operands[next - 2]?.value.span.end ?? 0;
    if (operand === undefined) return missing(context, end);
    const { prefixes } = operand;
    const lastNot = prefixes.findLastIndex((token) => tokenMatcher(token, t.Not));
    let value = prefixes.slice(lastNot + 1).reduceRight((inner, sign) => unary(context, sign, inner), operand.value);
    // `not a == b` denies the comparison.
    if (lastNot >= 0) value = climb(value, comparison);
    return prefixes.slice(0, lastNot + 1).reduceRight((inner, sign) => unary(context, sign, inner), value);
  };

  const climb = (start: Expr, lowest: number): Expr => {
    let left = start;
    let afterComparison = false;
    let isChained = false;
    for (let sign = signs[next - 1]; sign !== undefined; sign = signs[next - 1]) {
      const operator = operatorOf(sign);
      const precedence = operators[operator];
      if (precedence < lowest) break;
      if (precedence === comparison) {
        const span = tokenSpan(context.file, sign, left.span.end);
        if (sign.tokenType === t.Equals) {
          context.mistakes.push(syntax.equalsInExpression.at(span, {}, { help: "write `==`" }));
        } else if (afterComparison) {
          isChained = true;
          context.mistakes.push(syntax.chainedComparison.at(span, {}, { help: "join two comparisons with `and`" }));
        }
        afterComparison = true;
      }
      let right = takeOperand();
      const following = signs[next - 1];
      if (following !== undefined && operators[operatorOf(following)] > precedence)
        right = climb(right, precedence + 1);
      const span = joinSpans(left.span, right.span);
      left = withDepth(context, { kind: "binary", span, operator, left, right }, [left, right]);
    }
    // A truth value compared with a number would be reported once more.
    return isChained ? missing(context, left.span.end) : left;
  };

  return operands.length === 0 ? undefined : climb(takeOperand(), 1);
}

function unary(context: BuildContext, sign: IToken, operand: Expr): Expr {
  const span = joinSpans(tokenSpan(context.file, sign, operand.span.start), operand.span);
  const operator = tokenMatcher(sign, t.Not) ? "not" : "-";
  return withDepth(context, { kind: "unary", span, operator, operand }, [operand]);
}

/** What an operator means, however it is spelt: `&&` is `and`, a lone `=` was meant as `==`. */
function operatorOf(sign: IToken): BinaryOperator {
  if (sign.tokenType === t.Equals) return "==";
  const label = (sign.tokenType.LABEL ?? "").replaceAll("`", "");
  return Object.hasOwn(operators, label) ? (label as BinaryOperator) : "+";
}
