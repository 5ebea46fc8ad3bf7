/**
 * ast.ts: what was written. Every node has a span; nothing is resolved yet. Where the parser recovered from an error, a
 * node of kind "missing" stands in, and a diagnostic has already been reported for it.
 */
import type { SourceFile, Span } from "./source.ts";

/** An identifier at its place. `text` is "" where the parser had to insert one. */
export interface Identifier {
  readonly span: Span;
  readonly text: string;
}

// ---- Expressions -----------------------------------------------------------------------------------------------

export type Expr =
  | NumberLiteral
  | StringLiteral
  | BooleanLiteral
  | NameRef
  | InputRef
  | MemberExpr
  | CallExpr
  | UnaryExpr
  | BinaryExpr
  | TupleExpr
  | IfExpr
  | ErrorExpr
  | MissingExpr;

export interface NumberLiteral {
  readonly kind: "number";
  readonly span: Span;
  readonly value: number;
  /** Written without a decimal point or exponent. */
  readonly isInteger: boolean;
}
export interface StringLiteral {
  readonly kind: "string";
  readonly span: Span;
  /** The text after escapes. */
  readonly value: string;
}
export interface BooleanLiteral {
  readonly kind: "boolean";
  readonly span: Span;
  readonly value: boolean;
}
export interface NameRef {
  readonly kind: "name";
  readonly span: Span;
  readonly name: string;
}
/** The keyword `in`: the shape that arrives here. Only as the object of a member. */
export interface InputRef {
  readonly kind: "in";
  readonly span: Span;
}
/** `pair.0`, `in.channels`, `stem.height`. */
export interface MemberExpr {
  readonly kind: "member";
  readonly span: Span;
  readonly object: Expr;
  readonly member: Identifier; // "0", "1", … or a word
}
/** `min(a, b)`, and a layer or block with arguments used as a value: `leaky_relu(0.1)`. */
export interface CallExpr {
  readonly kind: "call";
  readonly span: Span;
  readonly callee: Identifier;
  readonly args: readonly Argument[];
}
export interface UnaryExpr {
  readonly kind: "unary";
  readonly span: Span;
  readonly operator: "-" | "not";
  readonly operand: Expr;
}
export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or";
export interface BinaryExpr {
  readonly kind: "binary";
  readonly span: Span;
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
}
export interface TupleExpr {
  readonly kind: "tuple";
  readonly span: Span;
  readonly items: readonly Expr[];
}
/** `if c { a } else { b }`: `otherwise` is another IfExpr for `else if`. */
export interface IfExpr {
  readonly kind: "ifValue";
  readonly span: Span;
  readonly condition: Expr;
  readonly then: Expr;
  readonly otherwise: Expr;
}
/** `error "sentence"` in place of an `if`'s value. */
export interface ErrorExpr {
  readonly kind: "errorValue";
  readonly span: Span;
  readonly message: Expr;
}
export interface MissingExpr {
  readonly kind: "missing";
  readonly span: Span;
}

export interface Argument {
  readonly span: Span;
  /** Absent for a positional argument. */
  readonly name?: Identifier;
  readonly value: Expr;
}

/** What `let` and `for` bind: a name, or a tuple of patterns. */
export type Pattern =
  | { readonly kind: "bind"; readonly span: Span; readonly name: Identifier }
  | { readonly kind: "tuplePattern"; readonly span: Span; readonly items: readonly Pattern[] };

// ---- Statements and steps --------------------------------------------------------------------------------------

export type Statement =
  ChainStatement | LetStatement | InputStatement | HeadStatement | ErrorStatement | BranchStatement;

/** `a -> b as y -> c`. `from` is the name that the chain starts with, if it does not take the current value. */
export interface ChainStatement {
  readonly kind: "chain";
  readonly span: Span;
  readonly from?: Identifier;
  /** Names given to the value of `from` itself, before any step: `from a as b`. */
  readonly fromAs: readonly Identifier[];
  readonly links: readonly Link[];
}
/** One step of a chain, with the names given to its result. */
export interface Link {
  readonly span: Span;
  readonly step: Step;
  readonly as: readonly Identifier[];
}
export interface LetStatement {
  readonly kind: "let";
  readonly span: Span;
  readonly pattern: Pattern;
  readonly value: Expr;
}
/** `input 1 x 28 x 28`, in a model only. */
export interface InputStatement {
  readonly kind: "input";
  readonly span: Span;
  readonly sizes: readonly Expr[];
}
/** `head aux1 from i4a weight 0.3 { … }`. */
export interface HeadStatement {
  readonly kind: "head";
  readonly span: Span;
  readonly name: Identifier;
  readonly from?: Identifier;
  readonly weight?: Expr;
  readonly body: Body;
}
/** `error "sentence"`. */
export interface ErrorStatement {
  readonly kind: "error";
  readonly span: Span;
  readonly message: Expr;
}
/** `branch { … }`: allowed inside concat, add and multiply, loops and conditions between them included. */
export interface BranchStatement {
  readonly kind: "branch";
  readonly span: Span;
  readonly body: Body;
}

export interface Body {
  readonly span: Span; // with the braces
  readonly statements: readonly Statement[];
}

export type Step = CallStep | JoinStep | RepeatStep | ForStep | IfStep | MissingStep;

/** A layer, a block or a name that holds one, with or without arguments. */
export interface CallStep {
  readonly kind: "callStep";
  readonly span: Span;
  readonly callee: Identifier;
  readonly args: readonly Argument[];
}
export interface JoinStep {
  readonly kind: "join";
  readonly span: Span;
  readonly join: "concat" | "add" | "multiply";
  readonly keywordSpan: Span;
  readonly body: Body;
}
export interface RepeatStep {
  readonly kind: "repeat";
  readonly span: Span;
  readonly count: Expr;
  readonly index?: Identifier;
  readonly body: Body;
}
export interface ForStep {
  readonly kind: "for";
  readonly span: Span;
  readonly pattern: Pattern;
  readonly over: Expr;
  readonly index?: Identifier;
  readonly body: Body;
}
export interface IfStep {
  readonly kind: "if";
  readonly span: Span;
  readonly condition: Expr;
  readonly then: Body;
  /** `else { … }`, or an IfStep for `else if`. */
  readonly otherwise?: Body | IfStep;
}
export interface MissingStep {
  readonly kind: "missingStep";
  readonly span: Span;
}

// ---- Definitions -----------------------------------------------------------------------------------------------

export type Definition = ImportDefinition | LetStatement | ModelDefinition | BlockDefinition | TrainDefinition;

export interface ImportDefinition {
  readonly kind: "import";
  readonly span: Span;
  readonly path: StringLiteral;
}
export interface FormalParameter {
  readonly span: Span;
  readonly name: Identifier;
  readonly default?: Expr;
}
export interface ModelDefinition {
  readonly kind: "model";
  readonly span: Span;
  readonly name: Identifier;
  readonly params: readonly FormalParameter[];
  readonly body: Body;
  /** The comment lines directly above, without their slashes; "" if none. */
  readonly doc: string;
}
export interface BlockDefinition {
  readonly kind: "block";
  readonly span: Span;
  readonly name: Identifier;
  readonly params: readonly FormalParameter[];
  readonly body: Body;
  readonly doc: string;
}
/** `train LeNet(activation: relu) as quick { … }`. */
export interface TrainDefinition {
  readonly kind: "train";
  readonly span: Span;
  readonly model: Identifier;
  readonly args: readonly Argument[];
  readonly name?: Identifier;
  readonly entries: readonly RecipeEntry[];
}

/**
 * One line of a recipe, as written: `optimizer sgd(lr: 0.1)`, `batch 128`, `freeze stem`, `data fashion_mnist { … }`.
 * `value` is what follows the key (absent for a bare word such as `random_flip`); a call or a name is an Expr of that
 * kind; `early_stop(patience: 5)` has `args`; `entries` is what stands in braces. Brackets without a named argument may
 * be either, so `resize (96, 128)` has `args` and the tuple as `value`.
 */
export interface RecipeEntry {
  readonly span: Span;
  readonly key: Identifier;
  readonly args?: readonly Argument[];
  readonly value?: Expr;
  readonly entries?: readonly RecipeEntry[];
}

/** The comment `cnnc-allow CNN6003`: warnings of its codes that stand on its line, or the line below, are not shown. */
export interface AllowComment {
  readonly span: Span;
  /** What stands where codes should, as written. */
  readonly codes: readonly Identifier[];
  /** The whole line that it speaks of; absent where no text follows. */
  readonly line?: Span;
}

/** One file. `imports` are in `definitions` too. */
export interface Ast {
  readonly file: SourceFile;
  readonly definitions: readonly Definition[];
  readonly allows: readonly AllowComment[];
}

/** A file with everything it can see: its imports (depth first, each once) and the standard library. */
export interface Program {
  readonly main: Ast;
  /** The file of each import statement that could be read, by the import's own node. */
  readonly imports: ReadonlyMap<ImportDefinition, Ast>;
  readonly standardLibrary: Ast;
  /** Every file of the program, the standard library included: for code frames. */
  readonly files: readonly SourceFile[];
}
