/** Rewriting expression trees: parts replaced by rules, what no rule replaces kept as it is. */
import type { Condition, IndexExpr, ScalarExpr } from "./expression.ts";

/** A scalar tree with its parts replaced: `load` and `index` see every leaf of their kind; undefined keeps it. */
export interface Rewrite {
  readonly scalar?: (expr: ScalarExpr) => ScalarExpr | undefined;
  readonly index?: (expr: IndexExpr) => IndexExpr;
}

/** The expression with what the rules replace; itself where they replace nothing, so that what is known of it stays known. */
export function rewriteScalar(expr: ScalarExpr, rules: Rewrite): ScalarExpr {
  const replaced = rules.scalar?.(expr);
  if (replaced !== undefined) return replaced;
  switch (expr.kind) {
    case "number":
    case "reduced":
    case "uniform":
      return expr;
    case "load": {
      const index = eachRewritten(expr.index, indexRule(rules));
      return index === expr.index ? expr : { ...expr, index };
    }
    case "index": {
      const of = indexRule(rules)(expr.of);
      return of === expr.of ? expr : { ...expr, of };
    }
    case "random": {
      const counter = indexRule(rules)(expr.counter);
      return counter === expr.counter ? expr : { ...expr, counter };
    }
    case "unary": {
      const of = rewriteScalar(expr.of, rules);
      return of === expr.of ? expr : { ...expr, of };
    }
    case "binary": {
      const left = rewriteScalar(expr.left, rules);
      const right = rewriteScalar(expr.right, rules);
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right };
    }
    case "select": {
      const when = rewriteCondition(expr.when, rules);
      const then = rewriteScalar(expr.then, rules);
      const otherwise = rewriteScalar(expr.otherwise, rules);
      if (when === expr.when && then === expr.then && otherwise === expr.otherwise) return expr;
      return { ...expr, when, then, otherwise };
    }
  }
}

export function rewriteCondition(condition: Condition, rules: Rewrite): Condition {
  switch (condition.kind) {
    case "compare": {
      const left = rewriteScalar(condition.left, rules);
      const right = rewriteScalar(condition.right, rules);
      return left === condition.left && right === condition.right ? condition : { ...condition, left, right };
    }
    case "compareIndex": {
      const index = indexRule(rules);
      const left = index(condition.left);
      const right = index(condition.right);
      return left === condition.left && right === condition.right ? condition : { ...condition, left, right };
    }
    case "and": {
      const all = eachRewritten(condition.all, (each) => rewriteCondition(each, rules));
      return all === condition.all ? condition : { ...condition, all };
    }
  }
}

/** The list with each part rewritten; itself where all stay. */
function eachRewritten<T>(parts: readonly T[], rewrite: (part: T) => T): readonly T[] {
  const others = parts.map(rewrite);
  return others.every((other, at) => other === parts[at]) ? parts : others;
}

/** What a rewriting does to an index: its own rule for indices, then the rule for scalars inside computed places. */
export function indexRule({ index, scalar }: Rewrite): (expr: IndexExpr) => IndexExpr {
  const own = index ?? ((inner: IndexExpr): IndexExpr => inner);
  if (scalar === undefined) return own;
  return (expr) => rewriteComputed(own(expr), (of) => rewriteScalar(of, { scalar }));
}

/** Replaces the scalars of computed places. */
function rewriteComputed(expr: IndexExpr, rewrite: (of: ScalarExpr) => ScalarExpr): IndexExpr {
  switch (expr.kind) {
    case "axis":
    case "int":
      return expr;
    case "add": {
      const left = rewriteComputed(expr.left, rewrite);
      const right = rewriteComputed(expr.right, rewrite);
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right };
    }
    case "mul":
    case "div":
    case "mod": {
      const of = rewriteComputed(expr.of, rewrite);
      return of === expr.of ? expr : { ...expr, of };
    }
    case "computed": {
      const of = rewrite(expr.of);
      return of === expr.of ? expr : { ...expr, of };
    }
  }
}

/** Replaces axes by index expressions, by name. */
export function substituteIndex(expr: IndexExpr, by: ReadonlyMap<string, IndexExpr>): IndexExpr {
  switch (expr.kind) {
    case "axis":
      return by.get(expr.name) ?? expr;
    case "int":
      return expr;
    case "add":
      return { ...expr, left: substituteIndex(expr.left, by), right: substituteIndex(expr.right, by) };
    case "mul":
    case "div":
    case "mod":
      return { ...expr, of: substituteIndex(expr.of, by) };
    case "computed":
      return { ...expr, of: rewriteScalar(expr.of, { index: (inner) => substituteIndex(inner, by) }) };
  }
}
