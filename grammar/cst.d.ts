// @generated from grammar/parser.ts by `npm run generate`: do not edit.
import type { CstNode, ICstVisitor, IToken } from "chevrotain";

export interface ExpressionCstNode extends CstNode {
  name: "expression";
  children: ExpressionCstChildren;
}

export type ExpressionCstChildren = {
  operand: OperandCstNode[];
  BinaryOperator?: IToken[];
};

export interface OperandCstNode extends CstNode {
  name: "operand";
  children: OperandCstChildren;
}

export type OperandCstChildren = {
  PrefixOperator?: IToken[];
  primary: PrimaryCstNode[];
  member?: MemberCstNode[];
};

export interface MemberCstNode extends CstNode {
  name: "member";
  children: MemberCstChildren;
}

export type MemberCstChildren = {
  Dot: IToken[];
  Integer?: IToken[];
  Name?: IToken[];
};

export interface PrimaryCstNode extends CstNode {
  name: "primary";
  children: PrimaryCstChildren;
}

export type PrimaryCstChildren = {
  Integer?: IToken[];
  Real?: IToken[];
  Text?: IToken[];
  True?: IToken[];
  False?: IToken[];
  In?: IToken[];
  ifValue?: IfValueCstNode[];
  tuple?: TupleCstNode[];
  nameOrCall?: NameOrCallCstNode[];
};

export interface NameOrCallCstNode extends CstNode {
  name: "nameOrCall";
  children: NameOrCallCstChildren;
}

export type NameOrCallCstChildren = {
  Name: IToken[];
  argumentList?: ArgumentListCstNode[];
};

export interface TupleCstNode extends CstNode {
  name: "tuple";
  children: TupleCstChildren;
}

export type TupleCstChildren = {
  LParen: IToken[];
  tupleItem?: TupleItemCstNode[];
  RParen: IToken[];
};

export interface TupleItemCstNode extends CstNode {
  name: "tupleItem";
  children: TupleItemCstChildren;
}

export type TupleItemCstChildren = {
  expression: ExpressionCstNode[];
  Comma?: IToken[];
};

export interface IfValueCstNode extends CstNode {
  name: "ifValue";
  children: IfValueCstChildren;
}

export type IfValueCstChildren = {
  If: IToken[];
  expression: ExpressionCstNode[];
  valueBody: ValueBodyCstNode[];
  elseIfValue?: ElseIfValueCstNode[];
  Else?: IToken[];
};

export interface ElseIfValueCstNode extends CstNode {
  name: "elseIfValue";
  children: ElseIfValueCstChildren;
}

export type ElseIfValueCstChildren = {
  Else: IToken[];
  If: IToken[];
  expression: ExpressionCstNode[];
  valueBody: ValueBodyCstNode[];
};

export interface ValueBodyCstNode extends CstNode {
  name: "valueBody";
  children: ValueBodyCstChildren;
}

export type ValueBodyCstChildren = {
  LBrace: IToken[];
  errorValue?: ErrorValueCstNode[];
  expression?: ExpressionCstNode[];
  RBrace: IToken[];
};

export interface ErrorValueCstNode extends CstNode {
  name: "errorValue";
  children: ErrorValueCstChildren;
}

export type ErrorValueCstChildren = {
  Error: IToken[];
  expression: ExpressionCstNode[];
};

export interface ArgumentListCstNode extends CstNode {
  name: "argumentList";
  children: ArgumentListCstChildren;
}

export type ArgumentListCstChildren = {
  LParen: IToken[];
  argument?: ArgumentCstNode[];
  RParen: IToken[];
};

export interface ArgumentCstNode extends CstNode {
  name: "argument";
  children: ArgumentCstChildren;
}

export type ArgumentCstChildren = {
  Name?: IToken[];
  From?: IToken[];
  Colon?: IToken[];
  Equals?: IToken[];
  expression?: ExpressionCstNode[];
  Comma?: IToken[];
};

export interface PatternsCstNode extends CstNode {
  name: "patterns";
  children: PatternsCstChildren;
}

export type PatternsCstChildren = {
  pattern: PatternCstNode[];
  Comma?: IToken[];
};

export interface PatternCstNode extends CstNode {
  name: "pattern";
  children: PatternCstChildren;
}

export type PatternCstChildren = {
  Name?: IToken[];
  LParen?: IToken[];
  patternItem?: PatternItemCstNode[];
  RParen?: IToken[];
};

export interface PatternItemCstNode extends CstNode {
  name: "patternItem";
  children: PatternItemCstChildren;
}

export type PatternItemCstChildren = {
  pattern: PatternCstNode[];
  Comma?: IToken[];
};

export interface FileCstNode extends CstNode {
  name: "file";
  children: FileCstChildren;
}

export type FileCstChildren = {
  definition?: DefinitionCstNode[];
  EOF: IToken[];
};

export interface DefinitionCstNode extends CstNode {
  name: "definition";
  children: DefinitionCstChildren;
}

export type DefinitionCstChildren = {
  importDefinition?: ImportDefinitionCstNode[];
  letStatement?: LetStatementCstNode[];
  modelDefinition?: ModelDefinitionCstNode[];
  blockDefinition?: BlockDefinitionCstNode[];
  trainDefinition?: TrainDefinitionCstNode[];
  strayOutside?: StrayOutsideCstNode[];
};

export interface ImportDefinitionCstNode extends CstNode {
  name: "importDefinition";
  children: ImportDefinitionCstChildren;
}

export type ImportDefinitionCstChildren = {
  Import: IToken[];
  Text: IToken[];
};

export interface ModelDefinitionCstNode extends CstNode {
  name: "modelDefinition";
  children: ModelDefinitionCstChildren;
}

export type ModelDefinitionCstChildren = {
  Model: IToken[];
  Name: IToken[];
  parameters?: ParametersCstNode[];
  body: BodyCstNode[];
};

export interface BlockDefinitionCstNode extends CstNode {
  name: "blockDefinition";
  children: BlockDefinitionCstChildren;
}

export type BlockDefinitionCstChildren = {
  Block: IToken[];
  Name: IToken[];
  parameters?: ParametersCstNode[];
  body: BodyCstNode[];
};

export interface ParametersCstNode extends CstNode {
  name: "parameters";
  children: ParametersCstChildren;
}

export type ParametersCstChildren = {
  LParen: IToken[];
  parameter?: ParameterCstNode[];
  RParen: IToken[];
};

export interface ParameterCstNode extends CstNode {
  name: "parameter";
  children: ParameterCstChildren;
}

export type ParameterCstChildren = {
  Name: IToken[];
  Equals?: IToken[];
  Colon?: IToken[];
  expression?: ExpressionCstNode[];
  Comma?: IToken[];
};

export interface TrainDefinitionCstNode extends CstNode {
  name: "trainDefinition";
  children: TrainDefinitionCstChildren;
}

export type TrainDefinitionCstChildren = {
  Train: IToken[];
  Name: IToken[];
  argumentList?: ArgumentListCstNode[];
  asName?: AsNameCstNode[];
  recipe: RecipeCstNode[];
};

export interface RecipeCstNode extends CstNode {
  name: "recipe";
  children: RecipeCstChildren;
}

export type RecipeCstChildren = {
  LBrace: IToken[];
  recipeEntry?: RecipeEntryCstNode[];
  RBrace: IToken[];
};

export interface RecipeEntryCstNode extends CstNode {
  name: "recipeEntry";
  children: RecipeEntryCstChildren;
}

export type RecipeEntryCstChildren = {
  Name: IToken[];
  Equals?: IToken[];
  Colon?: IToken[];
  argumentList?: ArgumentListCstNode[];
  BinaryOperator?: IToken[];
  operand?: OperandCstNode[];
  expression?: ExpressionCstNode[];
  augmentation?: AugmentationCstNode[];
  recipe?: RecipeCstNode[];
  Comma?: IToken[];
};

export interface AugmentationCstNode extends CstNode {
  name: "augmentation";
  children: AugmentationCstChildren;
}

export type AugmentationCstChildren = {
  LBrace: IToken[];
  augmentationEntry?: AugmentationEntryCstNode[];
  RBrace: IToken[];
};

export interface AugmentationEntryCstNode extends CstNode {
  name: "augmentationEntry";
  children: AugmentationEntryCstChildren;
}

export type AugmentationEntryCstChildren = {
  Name: IToken[];
  Equals?: IToken[];
  Colon?: IToken[];
  argumentList?: ArgumentListCstNode[];
  expression?: ExpressionCstNode[];
  Comma?: IToken[];
};

export interface BodyCstNode extends CstNode {
  name: "body";
  children: BodyCstChildren;
}

export type BodyCstChildren = {
  LBrace: IToken[];
  statement?: StatementCstNode[];
  RBrace: IToken[];
};

export interface StatementCstNode extends CstNode {
  name: "statement";
  children: StatementCstChildren;
}

export type StatementCstChildren = {
  letStatement?: LetStatementCstNode[];
  inputStatement?: InputStatementCstNode[];
  headStatement?: HeadStatementCstNode[];
  errorStatement?: ErrorStatementCstNode[];
  branchStatement?: BranchStatementCstNode[];
  chain?: ChainCstNode[];
  strayInBody?: StrayInBodyCstNode[];
};

export interface LetStatementCstNode extends CstNode {
  name: "letStatement";
  children: LetStatementCstChildren;
}

export type LetStatementCstChildren = {
  Let: IToken[];
  patterns: PatternsCstNode[];
  Equals: IToken[];
  expression: ExpressionCstNode[];
};

export interface InputStatementCstNode extends CstNode {
  name: "inputStatement";
  children: InputStatementCstChildren;
}

export type InputStatementCstChildren = {
  Input: IToken[];
  expression: ExpressionCstNode[];
  Cross?: IToken[];
};

export interface HeadStatementCstNode extends CstNode {
  name: "headStatement";
  children: HeadStatementCstChildren;
}

export type HeadStatementCstChildren = {
  Head: IToken[];
  Name: IToken[];
  From?: IToken[];
  Weight?: IToken[];
  expression?: ExpressionCstNode[];
  body: BodyCstNode[];
};

export interface ErrorStatementCstNode extends CstNode {
  name: "errorStatement";
  children: ErrorStatementCstChildren;
}

export type ErrorStatementCstChildren = {
  Error: IToken[];
  expression: ExpressionCstNode[];
};

export interface BranchStatementCstNode extends CstNode {
  name: "branchStatement";
  children: BranchStatementCstChildren;
}

export type BranchStatementCstChildren = {
  Branch: IToken[];
  body: BodyCstNode[];
};

export interface ChainCstNode extends CstNode {
  name: "chain";
  children: ChainCstChildren;
}

export type ChainCstChildren = {
  From?: IToken[];
  Name?: IToken[];
  asName?: AsNameCstNode[];
  link?: LinkCstNode[];
  Arrow?: IToken[];
};

export interface LinkCstNode extends CstNode {
  name: "link";
  children: LinkCstChildren;
}

export type LinkCstChildren = {
  step: StepCstNode[];
  asName?: AsNameCstNode[];
};

export interface AsNameCstNode extends CstNode {
  name: "asName";
  children: AsNameCstChildren;
}

export type AsNameCstChildren = {
  As: IToken[];
  Name: IToken[];
};

export interface StepCstNode extends CstNode {
  name: "step";
  children: StepCstChildren;
}

export type StepCstChildren = {
  join?: JoinCstNode[];
  repeatStep?: RepeatStepCstNode[];
  forStep?: ForStepCstNode[];
  ifStep?: IfStepCstNode[];
  callStep?: CallStepCstNode[];
};

export interface JoinCstNode extends CstNode {
  name: "join";
  children: JoinCstChildren;
}

export type JoinCstChildren = {
  Concat?: IToken[];
  Add?: IToken[];
  Multiply?: IToken[];
  body: BodyCstNode[];
};

export interface RepeatStepCstNode extends CstNode {
  name: "repeatStep";
  children: RepeatStepCstChildren;
}

export type RepeatStepCstChildren = {
  Repeat: IToken[];
  expression: ExpressionCstNode[];
  asName?: AsNameCstNode[];
  body: BodyCstNode[];
};

export interface ForStepCstNode extends CstNode {
  name: "forStep";
  children: ForStepCstChildren;
}

export type ForStepCstChildren = {
  For: IToken[];
  patterns: PatternsCstNode[];
  In: IToken[];
  expression: ExpressionCstNode[];
  asName?: AsNameCstNode[];
  body: BodyCstNode[];
};

export interface IfStepCstNode extends CstNode {
  name: "ifStep";
  children: IfStepCstChildren;
}

export type IfStepCstChildren = {
  If: IToken[];
  expression: ExpressionCstNode[];
  body: BodyCstNode[];
  elseIfStep?: ElseIfStepCstNode[];
  Else?: IToken[];
};

export interface ElseIfStepCstNode extends CstNode {
  name: "elseIfStep";
  children: ElseIfStepCstChildren;
}

export type ElseIfStepCstChildren = {
  Else: IToken[];
  If: IToken[];
  expression: ExpressionCstNode[];
  body: BodyCstNode[];
};

export interface CallStepCstNode extends CstNode {
  name: "callStep";
  children: CallStepCstChildren;
}

export type CallStepCstChildren = {
  Name: IToken[];
  argumentList?: ArgumentListCstNode[];
};

export interface StrayInBodyCstNode extends CstNode {
  name: "strayInBody";
  children: StrayInBodyCstChildren;
}

export type StrayInBodyCstChildren = {
  StrayInBody?: IToken[];
  skippedBrackets?: SkippedBracketsCstNode[];
};

export interface StrayOutsideCstNode extends CstNode {
  name: "strayOutside";
  children: StrayOutsideCstChildren;
}

export type StrayOutsideCstChildren = {
  StrayOutside?: IToken[];
  skippedBrackets?: SkippedBracketsCstNode[];
};

export interface SkippedBracketsCstNode extends CstNode {
  name: "skippedBrackets";
  children: SkippedBracketsCstChildren;
}

export type SkippedBracketsCstChildren = {
  LParen?: IToken[];
  skipped?: SkippedCstNode[];
  RParen?: IToken[];
  LBrace?: IToken[];
  RBrace?: IToken[];
};

export interface SkippedCstNode extends CstNode {
  name: "skipped";
  children: SkippedCstChildren;
}

export type SkippedCstChildren = {
  AnyWord?: IToken[];
  skippedBrackets?: SkippedBracketsCstNode[];
};

export interface CnnCstVisitor<IN, OUT> extends ICstVisitor<IN, OUT> {
  expression(children: ExpressionCstChildren, param?: IN): OUT;
  operand(children: OperandCstChildren, param?: IN): OUT;
  member(children: MemberCstChildren, param?: IN): OUT;
  primary(children: PrimaryCstChildren, param?: IN): OUT;
  nameOrCall(children: NameOrCallCstChildren, param?: IN): OUT;
  tuple(children: TupleCstChildren, param?: IN): OUT;
  tupleItem(children: TupleItemCstChildren, param?: IN): OUT;
  ifValue(children: IfValueCstChildren, param?: IN): OUT;
  elseIfValue(children: ElseIfValueCstChildren, param?: IN): OUT;
  valueBody(children: ValueBodyCstChildren, param?: IN): OUT;
  errorValue(children: ErrorValueCstChildren, param?: IN): OUT;
  argumentList(children: ArgumentListCstChildren, param?: IN): OUT;
  argument(children: ArgumentCstChildren, param?: IN): OUT;
  patterns(children: PatternsCstChildren, param?: IN): OUT;
  pattern(children: PatternCstChildren, param?: IN): OUT;
  patternItem(children: PatternItemCstChildren, param?: IN): OUT;
  file(children: FileCstChildren, param?: IN): OUT;
  definition(children: DefinitionCstChildren, param?: IN): OUT;
  importDefinition(children: ImportDefinitionCstChildren, param?: IN): OUT;
  modelDefinition(children: ModelDefinitionCstChildren, param?: IN): OUT;
  blockDefinition(children: BlockDefinitionCstChildren, param?: IN): OUT;
  parameters(children: ParametersCstChildren, param?: IN): OUT;
  parameter(children: ParameterCstChildren, param?: IN): OUT;
  trainDefinition(children: TrainDefinitionCstChildren, param?: IN): OUT;
  recipe(children: RecipeCstChildren, param?: IN): OUT;
  recipeEntry(children: RecipeEntryCstChildren, param?: IN): OUT;
  augmentation(children: AugmentationCstChildren, param?: IN): OUT;
  augmentationEntry(children: AugmentationEntryCstChildren, param?: IN): OUT;
  body(children: BodyCstChildren, param?: IN): OUT;
  statement(children: StatementCstChildren, param?: IN): OUT;
  letStatement(children: LetStatementCstChildren, param?: IN): OUT;
  inputStatement(children: InputStatementCstChildren, param?: IN): OUT;
  headStatement(children: HeadStatementCstChildren, param?: IN): OUT;
  errorStatement(children: ErrorStatementCstChildren, param?: IN): OUT;
  branchStatement(children: BranchStatementCstChildren, param?: IN): OUT;
  chain(children: ChainCstChildren, param?: IN): OUT;
  link(children: LinkCstChildren, param?: IN): OUT;
  asName(children: AsNameCstChildren, param?: IN): OUT;
  step(children: StepCstChildren, param?: IN): OUT;
  join(children: JoinCstChildren, param?: IN): OUT;
  repeatStep(children: RepeatStepCstChildren, param?: IN): OUT;
  forStep(children: ForStepCstChildren, param?: IN): OUT;
  ifStep(children: IfStepCstChildren, param?: IN): OUT;
  elseIfStep(children: ElseIfStepCstChildren, param?: IN): OUT;
  callStep(children: CallStepCstChildren, param?: IN): OUT;
  strayInBody(children: StrayInBodyCstChildren, param?: IN): OUT;
  strayOutside(children: StrayOutsideCstChildren, param?: IN): OUT;
  skippedBrackets(children: SkippedBracketsCstChildren, param?: IN): OUT;
  skipped(children: SkippedCstChildren, param?: IN): OUT;
}
