/**
 * A checked model in, its warnings out, those left that no comment allows; then what is wrong with the comments themselves.
 *
 *   linear(10) -> dropout(0.5)                            =>  warning[CNN6005]
 *   linear(10) -> dropout(0.5)   // cnnc-allow CNN6005    =>  nothing
 */
import { catalogue } from "../../diagnostics/catalogue.ts";
import { unknownAllowedCode, uselessAllow } from "../../diagnostics/warnings.ts";
import type { Program } from "../../ir/ast.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";
import type { Span } from "../../ir/source.ts";
import type { LayerTable } from "../context.ts";
import { astPlaces, type AstPlaces } from "./astPlaces.ts";
import { findWarnings, type CheckedModel } from "./findWarnings.ts";
import { allowancesOf, allowing, bordersOn, unknownCodes, useless, type Allowance, type KnownCodes } from "./silence.ts"; // prettier-ignore

export interface WarningOptions {
  readonly batch?: number;
  readonly ownImages?: boolean;
  /** The file's other models and recipes; present where the file is checked as it stands, so that none is left out. */
  readonly others?: () => readonly CheckedModel[];
}

/** The warnings of a model, and of the comments that speak of warnings. */
export function checkWarnings(
  program: Program,
  checked: CheckedModel,
  options: WarningOptions,
  tables: LayerTable,
): readonly Diagnostic[] {
  const asts = [...new Set([program.main, ...program.imports.values(), program.standardLibrary])];
  const known = knownCodes();
  const comments = asts.flatMap(({ allows }) => allows);
  const allowances = allowancesOf(comments, known);
  const heads = asts.flatMap((ast) => astPlaces(ast).heads);
  const used = new Set<Allowance>();
  const shown: Diagnostic[] = [];
  const examine = (model: CheckedModel): readonly Diagnostic[] =>
    findWarnings(model, options, heads, tables.ops).flatMap((warning) => {
      const allowed = allowing(warning, allowances);
      for (const allowance of allowed) used.add(allowance);
      return allowed.length > 0 ? [] : [warning.diagnostic];
    });
  shown.push(...examine(checked), ...unknownCodes(comments, known));
  const left = (): readonly Allowance[] =>
    allowances.filter((each) => each.comment.span.file === program.main.file && !used.has(each));
  if (options.others === undefined || left().length === 0) return shown;
  const others = options.others();
  for (const other of others) examine(other);
  const places = astPlaces(program.main);
  const reached = [checked, ...others].flatMap(reachedPlaces);
  return [
    ...shown,
    ...left()
      .filter((each) => isLive(each, places, reached))
      .map(useless),
  ];
}

function knownCodes(): KnownCodes {
  const aboutComments: readonly string[] = [unknownAllowedCode.code, uselessAllow.code];
  const isAllowable = ({ code, severity }: (typeof catalogue)[number]): boolean =>
    severity === "warning" && !aboutComments.includes(code);
  return {
    allowable: catalogue.filter(isAllowable).map(({ code }) => code),
    others: catalogue.filter((entry) => !isAllowable(entry)).map(({ code }) => code),
  };
}

/** Where an unfolded model has something to warn of. */
function reachedPlaces({ graph, train }: CheckedModel): readonly Span[] {
  const nodes = graph.nodes.flatMap(({ origin }) => [origin.span, ...origin.calls.map(({ span }) => span)]);
  return [...nodes, ...(train?.entries ?? []).map(({ span }) => span)];
}

/** Whether a comment could have silenced something: what it speaks of was unfolded, or is no step at all. */
function isLive({ comment: { line } }: Allowance, { calls }: AstPlaces, reached: readonly Span[]): boolean {
  if (line === undefined || !calls.some((span) => bordersOn(span, line))) return true;
  return reached.some((span) => bordersOn(span, line));
}
