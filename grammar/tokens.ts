/**
 * Every token and keyword, in matching order. Reserved words are tokens of their own; the other keywords (`model`,
 * `concat`, `head`, …) are also of the category Name, so that they remain ordinary names where they mean nothing.
 */
import { createToken, Lexer, type CustomPatternMatcherReturn, type IToken, type TokenType } from "chevrotain";

// ---- Categories: matched by the parser, never by the lexer -------------------------------------------------------

/** Any name, contextual keywords included. */
export const Name = createToken({ name: "Name", label: "a name", pattern: Lexer.NA });
/** An operator between two values. `=` is here so that `if a = b` is understood and reported. */
export const BinaryOperator = createToken({ name: "BinaryOperator", label: "an operator", pattern: Lexer.NA });
export const PrefixOperator = createToken({ name: "PrefixOperator", label: "`-` or `not`", pattern: Lexer.NA });
/** What can begin neither a statement nor a definition: parsed as a run of strays and reported once. */
export const StrayInBody = createToken({ name: "StrayInBody", pattern: Lexer.NA });
/** The same outside all braces, where names are strays too. */
export const StrayOutside = createToken({ name: "StrayOutside", pattern: Lexer.NA });
/** Everything but brackets: what may stand inside a skipped pair of brackets. */
export const AnyWord = createToken({ name: "AnyWord", pattern: Lexer.NA });

const strayAnywhere = [StrayInBody, StrayOutside, AnyWord];
const asName = [Name, StrayOutside, AnyWord];
const asOperator = [BinaryOperator, ...strayAnywhere];

// ---- Skipped -----------------------------------------------------------------------------------------------------

export const WhiteSpace = createToken({
  name: "WhiteSpace",
  pattern: /[\s\ufeff]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
});
export const LineComment = createToken({ name: "LineComment", pattern: /\/\/[^\n]*/, group: "comments" });
export const BlockComment = createToken({
  name: "BlockComment",
  pattern: /\/\*[^]*?\*\//,
  group: "comments",
  line_breaks: true,
});
export const UnclosedComment = createToken({
  name: "UnclosedComment",
  pattern: /\/\*[^]*/,
  group: "mistakes",
  line_breaks: true,
});
export const HashComment = createToken({ name: "HashComment", pattern: /#[^\n]*/, group: "mistakes" });
export const Semicolon = createToken({ name: "Semicolon", pattern: /;+/, group: "mistakes" });

// ---- Numbers, strings, names -------------------------------------------------------------------------------------

/** The real number at `offset`, if one may stand there: after a dot only a member's digits can, as in `c.0.1`. */
function matchReal(text: string, offset: number, matched: IToken[]): CustomPatternMatcherReturn | null {
  const previous = matched[matched.length - 1];
  if (previous?.tokenType === Dot) return null;
  const pattern = /(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
  pattern.lastIndex = offset;
  const found = pattern.exec(text);
  if (found === null) return null;
  // `c2.0` and `).0` pick a member: there the dot touches what it picks from.
  const touches = previous !== undefined && previous.startOffset + previous.image.length === offset;
  const mayBePicked = previous !== undefined && (previous.tokenType === RParen || /\w$/.test(previous.image));
  return found[0].startsWith(".") && touches && mayBePicked ? null : [found[0]];
}

export const Real = createToken({
  name: "Real",
  label: "a number",
  pattern: matchReal,
  start_chars_hint: [..."0123456789."],
  line_breaks: false,
  categories: strayAnywhere,
});
export const Integer = createToken({ name: "Integer", label: "a number", pattern: /\d+/, categories: strayAnywhere });

/** A string to the end of its line, without the brackets there: they were most likely meant to stand after it. */
function matchUnclosedText(text: string, offset: number): CustomPatternMatcherReturn | null {
  const pattern = /"(?:[^"\\\n\r]|\\[^\n\r])*\\?/y;
  pattern.lastIndex = offset;
  const found = pattern.exec(text);
  return found === null ? null : [found[0].replace(/(?<=.)[\s(){}[\],]+$/, "")];
}

export const Text = createToken({
  name: "Text",
  label: "a string",
  pattern: /"(?:[^"\\\n\r]|\\[^\n\r])*"/,
  categories: strayAnywhere,
});
/** Taken as the string it would be if it ended with its line; reported when the AST is built. */
export const UnclosedText = createToken({
  name: "UnclosedText",
  label: "a string",
  pattern: matchUnclosedText,
  start_chars_hint: ['"'],
  line_breaks: false,
  categories: [Text, ...strayAnywhere],
});
export const QuotedText = createToken({
  name: "QuotedText",
  label: "a string",
  pattern: /'[^'\n\r]*'/,
  categories: [Text, ...strayAnywhere],
});

/** A word at `offset`. Foreign letters are taken in, so that a word with one gives one diagnostic and not three. */
function matchWord(text: string, offset: number): CustomPatternMatcherReturn | null {
  const pattern = /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy;
  pattern.lastIndex = offset;
  const found = pattern.exec(text);
  return found === null ? null : [found[0]];
}

export const Identifier = createToken({
  name: "Identifier",
  label: "a name",
  // A function, since chevrotain drops the `u` flag of a pattern.
  pattern: matchWord,
  line_breaks: false,
  categories: asName,
});

function reserved(word: string, categories: TokenType[]): TokenType {
  const name = (word[0] ?? "").toUpperCase() + word.slice(1);
  return createToken({ name, label: `\`${word}\``, pattern: new RegExp(word), longer_alt: Identifier, categories });
}

function contextual(word: string, outside: boolean): TokenType {
  const name = (word[0] ?? "").toUpperCase() + word.slice(1);
  const categories = outside ? [Name, AnyWord] : asName;
  return createToken({ name, label: `\`${word}\``, pattern: new RegExp(word), longer_alt: Identifier, categories });
}

export const And = reserved("and", asOperator);
export const Or = reserved("or", asOperator);
export const Not = reserved("not", [PrefixOperator, ...strayAnywhere]);
export const True = reserved("true", strayAnywhere);
export const False = reserved("false", strayAnywhere);
export const If = reserved("if", [StrayOutside, AnyWord]);
export const Else = reserved("else", strayAnywhere);
export const For = reserved("for", [StrayOutside, AnyWord]);
export const In = reserved("in", strayAnywhere);
export const Repeat = reserved("repeat", [StrayOutside, AnyWord]);
export const Let = reserved("let", [AnyWord]);
export const From = reserved("from", [StrayOutside, AnyWord]);
export const As = reserved("as", strayAnywhere);

export const Model = contextual("model", true);
export const Block = contextual("block", true);
export const Train = contextual("train", true);
export const Import = contextual("import", true);
export const Concat = contextual("concat", false);
export const Add = contextual("add", false);
export const Multiply = contextual("multiply", false);
export const Branch = contextual("branch", false);
export const Head = contextual("head", false);
export const Weight = contextual("weight", false);
export const ErrorWord = contextual("error", false);

/** `input` where it says what a model takes, and the `x` between its sizes: set by 1-parse/readSizes.ts. */
export const Input = createToken({
  name: "Input",
  label: "`input`",
  pattern: Lexer.NA,
  categories: [StrayOutside, AnyWord],
});
export const Cross = createToken({ name: "Cross", label: "`x`", pattern: Lexer.NA, categories: strayAnywhere });

// ---- Signs -------------------------------------------------------------------------------------------------------

function sign(name: string, pattern: RegExp, label: string, categories: TokenType[]): TokenType {
  return createToken({ name, pattern, label: `\`${label}\``, categories });
}

export const Arrow = sign("Arrow", /->|=>|→|⇒/, "->", strayAnywhere);
export const EqualEqual = sign("EqualEqual", /===?/, "==", asOperator);
export const NotEqual = sign("NotEqual", /!==?|<>|≠/, "!=", asOperator);
export const LessEqual = sign("LessEqual", /<=|≤/, "<=", asOperator);
export const GreaterEqual = sign("GreaterEqual", />=|≥/, ">=", asOperator);
export const Less = sign("Less", /</, "<", asOperator);
export const Greater = sign("Greater", />/, ">", asOperator);
export const AndSign = createToken({
  name: "AndSign",
  pattern: /&&?/,
  label: "`and`",
  categories: [And, ...asOperator],
});
export const OrSign = createToken({ name: "OrSign", pattern: /\|\|?/, label: "`or`", categories: [Or, ...asOperator] });
export const NotSign = createToken({
  name: "NotSign",
  pattern: /!/,
  label: "`not`",
  categories: [Not, PrefixOperator, ...strayAnywhere],
});
export const Equals = sign("Equals", /=/, "=", asOperator);
export const Plus = sign("Plus", /\+/, "+", asOperator);
export const Minus = sign("Minus", /[-−–]/, "-", [PrefixOperator, ...asOperator]);
export const Star = sign("Star", /\*/, "*", asOperator);
export const Slash = sign("Slash", /[/÷]/, "/", asOperator);
export const Percent = sign("Percent", /%/, "%", asOperator);
export const Comma = sign("Comma", /,/, ",", strayAnywhere);
export const Colon = sign("Colon", /:/, ":", strayAnywhere);
export const Dot = sign("Dot", /\./, ".", strayAnywhere);
export const TimesSign = createToken({ name: "TimesSign", pattern: /×/, label: "`*`", categories: asOperator });
export const LParen = sign("LParen", /[([]/, "(", []);
export const RParen = sign("RParen", /[)\]]/, ")", []);
export const LBrace = sign("LBrace", /\{/, "{", []);
export const RBrace = sign("RBrace", /\}/, "}", []);

/** Everything the lexer matches, first match first, then what only the parser knows. */
export const allTokens: TokenType[] = [
  WhiteSpace,
  LineComment,
  BlockComment,
  UnclosedComment,
  HashComment,
  Semicolon,
  Real,
  Integer,
  Text,
  UnclosedText,
  QuotedText,
  And,
  Or,
  Not,
  True,
  False,
  If,
  Else,
  For,
  Input,
  Cross,
  In,
  Repeat,
  Let,
  From,
  As,
  Model,
  Block,
  Train,
  Import,
  Concat,
  Add,
  Multiply,
  Branch,
  Head,
  Weight,
  ErrorWord,
  Identifier,
  Arrow,
  EqualEqual,
  NotEqual,
  LessEqual,
  GreaterEqual,
  Less,
  Greater,
  AndSign,
  OrSign,
  NotSign,
  Equals,
  Plus,
  Minus,
  Star,
  Slash,
  Percent,
  Comma,
  Colon,
  Dot,
  TimesSign,
  LParen,
  RParen,
  LBrace,
  RBrace,
  Name,
  BinaryOperator,
  PrefixOperator,
  StrayInBody,
  StrayOutside,
  AnyWord,
];

/** Only offsets are tracked: lines and columns are worked out where they are shown. */
export const lexer = new Lexer(allTokens, { positionTracking: "onlyOffset", ensureOptimizations: false });
