/**
 * Finds `input` where it says what a model takes, and the crosses between its sizes. An `x` after a size is always the
 * cross, with or without spaces around it: so `x28x28` after a size is cut into `x`, `28`, `x`, `28`.
 */
import { tokenMatcher, type IToken, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import { makeToken, touches } from "./tokenSpans.ts";

const definitions = [t.Model, t.Block, t.Train];
const namesFollow = [...definitions, t.Let, t.As];
const statementEnds = [t.LBrace, t.RBrace, t.RParen, t.Name, t.Integer, t.Real, t.Text, t.True, t.False];
const sizeStarts = [t.Integer, t.Real, t.LParen, t.Minus, t.Name, t.In, t.If];

/** The tokens with `input` and its crosses marked as such; other tokens are passed on as they are. */
export function readSizes(tokens: readonly IToken[]): readonly IToken[] {
  const work = [...tokens].reverse();
  const done: IToken[] = [];
  let depth = 0;
  let parens = 0;
  let definition: TokenType | undefined;
  for (let token = work.pop(); token !== undefined; token = work.pop()) {
    const before = done[done.length - 1]?.tokenType;
    // Between brackets `train` and its kind are names: `model Net(train = true)`.
    if (
      depth === 0 &&
      parens === 0 &&
      definitions.includes(token.tokenType) &&
      !namesFollow.includes(before ?? t.LBrace)
    ) {
      definition = token.tokenType;
    }
    if (token.tokenType === t.LBrace) depth++;
    if (token.tokenType === t.RBrace) depth = Math.max(0, depth - 1);
    if (token.tokenType === t.LParen) parens++;
    // A brace ends what brackets were left open, so that one forgotten `)` does not hide every later `input`.
    if (token.tokenType === t.RParen) parens = Math.max(0, parens - 1);
    if (token.tokenType === t.LBrace || token.tokenType === t.RBrace) parens = 0;
    const previous = done[done.length - 1];
    if (depth > 0 && parens === 0 && isInputKeyword(token, previous, work[work.length - 1], definition)) {
      done.push(makeToken(t.Input, token.image, token.startOffset));
      readSizeList(work, done);
    } else {
      done.push(token);
    }
  }
  return done;
}

function isInputKeyword(
  token: IToken,
  previous: IToken | undefined,
  next: IToken | undefined,
  definition: TokenType | undefined,
): boolean {
  if (token.image !== "input" || previous === undefined || next === undefined) return false;
  if (definition === t.Train || previous.tokenType === t.Head || !isAny(previous, statementEnds)) return false;
  if (definition === t.Block) return isAny(next, [t.Integer, t.Real]);
  // A model's first word is the keyword, even if its sizes were forgotten.
  return isAny(next, sizeStarts) || (previous.tokenType === t.LBrace && !isAny(next, [t.Arrow, t.As, t.Dot]));
}

/** Moves `size x size x …` from `work` (a stack) to `done`. */
function readSizeList(work: IToken[], done: IToken[]): void {
  for (;;) {
    if (!readSize(work, done)) return;
    const next = work[work.length - 1];
    const last = done[done.length - 1];
    if (next === undefined || last === undefined || !readCross(work, done, last, next)) return;
  }
}

function readCross(work: IToken[], done: IToken[], last: IToken, next: IToken): boolean {
  if (next.tokenType === t.TimesSign) {
    done.push(makeToken(t.Cross, next.image, next.startOffset));
    work.pop();
    return true;
  }
  const stuckToNumber = touches(last, next) && isAny(last, [t.Integer, t.Real]);
  if (next.tokenType !== t.Identifier || !(stuckToNumber ? /^x/ : /^x(\d|$)/).test(next.image)) return false;
  work.pop();
  done.push(makeToken(t.Cross, "x", next.startOffset));
  const rest = t.lexer.tokenize(next.image.slice(1)).tokens;
  const offset = next.startOffset + 1;
  for (const token of rest.reverse()) work.push(makeToken(token.tokenType, token.image, token.startOffset + offset));
  return true;
}

/** Moves one size, an expression, whole; false if there is none. */
function readSize(work: IToken[], done: IToken[]): boolean {
  for (;;) {
    while (isNext(work, [t.PrefixOperator])) move(work, done);
    if (isNext(work, [t.If])) readIfValue(work, done);
    else if (isNext(work, [t.LParen])) moveBrackets(work, done);
    else if (isNext(work, [t.Integer, t.Real, t.Name, t.In, t.Text, t.True, t.False])) {
      const isName = isNext(work, [t.Name]);
      move(work, done);
      if (isName && isNext(work, [t.LParen])) moveBrackets(work, done);
    } else return false;
    while (isNext(work, [t.Dot])) {
      move(work, done);
      if (isNext(work, [t.Integer, t.Name])) move(work, done);
    }
    if (!isNext(work, [t.BinaryOperator]) || work[work.length - 1]?.tokenType === t.TimesSign) return true;
    move(work, done);
  }
}

function readIfValue(work: IToken[], done: IToken[]): void {
  while (isNext(work, [t.If])) {
    while (work.length > 0 && !isNext(work, [t.LBrace, t.RBrace])) move(work, done);
    if (isNext(work, [t.LBrace])) moveBrackets(work, done);
    if (!isNext(work, [t.Else])) return;
    move(work, done);
    if (isNext(work, [t.LBrace])) moveBrackets(work, done);
  }
}

/** Moves a pair of brackets with what is in it; stops at a brace that does not belong, so that nothing else is lost. */
function moveBrackets(work: IToken[], done: IToken[]): void {
  const braces = isNext(work, [t.LBrace]);
  let depth = 0;
  do {
    if (!braces && isNext(work, [t.RBrace])) return;
    if (isNext(work, [t.LParen, t.LBrace])) depth++;
    if (isNext(work, [t.RParen, t.RBrace])) depth--;
    move(work, done);
  } while (depth > 0 && work.length > 0);
}

function isNext(work: readonly IToken[], types: readonly TokenType[]): boolean {
  const next = work[work.length - 1];
  return next !== undefined && isAny(next, types);
}

function isAny(token: IToken, types: readonly TokenType[]): boolean {
  return types.some((type) => tokenMatcher(token, type));
}

function move(work: IToken[], done: IToken[]): void {
  const token = work.pop();
  if (token !== undefined) done.push(token);
}
