/**
 * Chevrotain's recovery, told that brackets match. It skips a pair of brackets whole, never makes up or drops a bracket,
 * and goes on in the innermost rule that the next word fits, where chevrotain takes the outermost. Words that belong
 * nowhere, which the grammar accepts anywhere, are nothing to go on from.
 */
import { CstParser, EOF, tokenMatcher, type IToken, type TokenType } from "chevrotain";
import * as t from "./tokens.ts";

/** The members of chevrotain 11.2's recovery that it has no public types for. */
interface RecoveryInternals {
  buildFullFollowKeyStack(): readonly unknown[];
  getFollowSetFromFollowKey(key: unknown): readonly TokenType[] | undefined;
  consumeToken(): void;
}

const brackets: readonly TokenType[] = [t.LParen, t.RParen, t.LBrace, t.RBrace];
const nothingToGoOnFrom: readonly TokenType[] = [t.StrayInBody, t.StrayOutside, t.AnyWord, t.LParen];

export abstract class BalancedRecoveryParser extends CstParser {
  private get internals(): RecoveryInternals {
    return this as unknown as RecoveryInternals;
  }

  override canTokenTypeBeInsertedInRecovery(type: TokenType): boolean {
    return !brackets.includes(type);
  }

  canRecoverWithSingleTokenDeletion(expected: TokenType): boolean {
    return !brackets.includes(this.LA(1).tokenType) && tokenMatcher(this.LA(2), expected);
  }

  /** Skips a token, or a pair of brackets with all that is in it, and gives the token after it. */
  override SKIP_TOKEN(): IToken {
    for (let left = this.lengthAt(1); left > 0 && this.LA(1).tokenType !== EOF; left--) this.internals.consumeToken();
    return this.LA(1);
  }

  /** The type to go on from: that of the nearest word that fits a rule being read, the innermost such rule first. */
  findReSyncTokenType(): TokenType {
    const followSets = this.internals
      .buildFullFollowKeyStack()
      .map((key) => this.internals.getFollowSetFromFollowKey(key) ?? [])
      .reverse();
    for (let ahead = 1; ; ahead += this.lengthAt(ahead)) {
      const token = this.LA(ahead);
      for (const types of followSets) {
        const found = types.find((type) => !nothingToGoOnFrom.includes(type) && tokenMatcher(token, type));
        if (found !== undefined) return found;
      }
      if (token.tokenType === EOF) return EOF;
    }
  }

  /** How many tokens to pass over at once: all of a pair of brackets, one otherwise. */
  private lengthAt(ahead: number): number {
    let depth = 0;
    for (let length = 0; ; length++) {
      const type = this.LA(ahead + length).tokenType;
      if (type === t.LParen || type === t.LBrace) depth++;
      if (type === t.RParen || type === t.RBrace) depth--;
      if (depth <= 0 || type === EOF) return length + 1;
    }
  }
}
