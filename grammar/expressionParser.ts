/** The grammar of values, arguments and patterns: rules only. */
import { tokenMatcher, type IParserErrorMessageProvider, type TokenType } from "chevrotain";
import { BalancedRecoveryParser } from "./balancedRecovery.ts";
import * as t from "./tokens.ts";

export abstract class ExpressionParser extends BalancedRecoveryParser {
  /** Validating the grammar takes as long as parsing many files: where its types are generated, it is validated once. */
  constructor(errorMessageProvider: IParserErrorMessageProvider | undefined, skipValidations: boolean) {
    super(t.allTokens, {
      skipValidations,
      recoveryEnabled: true,
      maxLookahead: 2,
      nodeLocationTracking: "onlyOffset",
      ...(errorMessageProvider === undefined ? {} : { errorMessageProvider }),
    });
  }

  // ---- Expressions -----------------------------------------------------------------------------------------------

  /** Flat on purpose: precedence is applied when the AST is built, and long sums do not nest. */
  readonly expression = this.RULE("expression", () => {
    this.SUBRULE(this.operand);
    this.MANY(() => {
      this.CONSUME(t.BinaryOperator);
      this.SUBRULE2(this.operand);
    });
  });

  readonly operand = this.RULE("operand", () => {
    this.MANY(() => this.CONSUME(t.PrefixOperator));
    this.SUBRULE(this.primary);
    this.MANY2(() => this.SUBRULE(this.member));
  });

  readonly member = this.RULE("member", () => {
    this.CONSUME(t.Dot);
    this.OR([{ ALT: () => this.CONSUME(t.Integer) }, { ALT: () => this.CONSUME(t.Name) }]);
  });

  readonly primary = this.RULE("primary", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Integer) },
      { ALT: () => this.CONSUME(t.Real) },
      { ALT: () => this.CONSUME(t.Text) },
      { ALT: () => this.CONSUME(t.True) },
      { ALT: () => this.CONSUME(t.False) },
      { ALT: () => this.CONSUME(t.In) },
      { ALT: () => this.SUBRULE(this.ifValue) },
      { ALT: () => this.SUBRULE(this.tuple) },
      { ALT: () => this.SUBRULE(this.nameOrCall) },
    ]);
  });

  readonly nameOrCall = this.RULE("nameOrCall", () => {
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.argumentList));
  });

  readonly tuple = this.RULE("tuple", () => {
    this.CONSUME(t.LParen);
    this.MANY(() => this.SUBRULE(this.tupleItem));
    this.CONSUME(t.RParen);
  });

  readonly tupleItem = this.RULE("tupleItem", () => {
    this.SUBRULE(this.expression);
    this.OPTION(() => this.CONSUME(t.Comma));
  });

  readonly ifValue = this.RULE("ifValue", () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.valueBody);
    this.MANY(() => this.SUBRULE(this.elseIfValue));
    this.OPTION(() => {
      this.CONSUME(t.Else);
      this.SUBRULE2(this.valueBody);
    });
  });

  readonly elseIfValue = this.RULE("elseIfValue", () => {
    this.CONSUME(t.Else);
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.valueBody);
  });

  readonly valueBody = this.RULE("valueBody", () => {
    this.CONSUME(t.LBrace);
    this.OR([
      { GATE: () => this.nextIs(t.Text, 2), ALT: () => this.SUBRULE(this.errorValue) },
      { ALT: () => this.SUBRULE(this.expression), IGNORE_AMBIGUITIES: true },
    ]);
    this.CONSUME(t.RBrace);
  });

  readonly errorValue = this.RULE("errorValue", () => {
    this.CONSUME(t.ErrorWord);
    this.SUBRULE(this.expression);
  });

  // ---- Arguments and patterns ---

  readonly argumentList = this.RULE("argumentList", () => {
    this.CONSUME(t.LParen);
    this.MANY(() => this.SUBRULE(this.argument));
    this.CONSUME(t.RParen);
  });

  readonly argument = this.RULE("argument", () => {
    this.OR([
      {
        GATE: () => this.nextIs(t.Colon, 2) || this.nextIs(t.Equals, 2),
        ALT: () => {
          // `slice(from: 1, to: 3)`: before a colon a reserved word is no danger.
          this.OR2([{ ALT: () => this.CONSUME(t.Name) }, { ALT: () => this.CONSUME(t.From) }]);
          this.OR3([{ ALT: () => this.CONSUME(t.Colon) }, { ALT: () => this.CONSUME(t.Equals) }]);
          this.SUBRULE(this.expression);
        },
      },
      { ALT: () => this.SUBRULE2(this.expression), IGNORE_AMBIGUITIES: true },
    ]);
    this.OPTION(() => this.CONSUME(t.Comma));
  });

  /** `a, b` without brackets is accepted and reported. */
  readonly patterns = this.RULE("patterns", () => {
    this.SUBRULE(this.pattern);
    this.MANY(() => {
      this.CONSUME(t.Comma);
      this.SUBRULE2(this.pattern);
    });
  });

  readonly pattern = this.RULE("pattern", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Name) },
      {
        ALT: () => {
          this.CONSUME(t.LParen);
          this.MANY(() => this.SUBRULE(this.patternItem));
          this.CONSUME(t.RParen);
        },
      },
    ]);
  });

  readonly patternItem = this.RULE("patternItem", () => {
    this.SUBRULE(this.pattern);
    this.OPTION(() => this.CONSUME(t.Comma));
  });

  protected nextIs(type: TokenType, ahead = 1): boolean {
    return tokenMatcher(this.LA(ahead), type);
  }
}
