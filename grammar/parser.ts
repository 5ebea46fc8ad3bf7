/**
 * The grammar: rules only, no semantic actions, recovery switched on. Brackets are balanced before parsing
 * (1-parse/balanceBrackets.ts), so recovery never has to guess where a body ends. Common slips (a missing comma, `=` for
 * `:`) are accepted here and reported when the AST is built: that gives one exact diagnostic and loses nothing.
 */
import { EOF, type IParserErrorMessageProvider } from "chevrotain";
import { ExpressionParser } from "./expressionParser.ts";
import * as t from "./tokens.ts";

export class CnnParser extends ExpressionParser {
  constructor(errorMessageProvider?: IParserErrorMessageProvider, skipValidations = false) {
    super(errorMessageProvider, skipValidations);
    this.performSelfAnalysis();
  }

  // ---- File ------------------------------------------------------------------------------------------------------

  readonly file = this.RULE("file", () => {
    this.MANY(() => this.SUBRULE(this.definition));
    this.CONSUME(EOF);
  });

  readonly definition = this.RULE("definition", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.importDefinition) },
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.modelDefinition) },
      { ALT: () => this.SUBRULE(this.blockDefinition) },
      { ALT: () => this.SUBRULE(this.trainDefinition) },
      { ALT: () => this.SUBRULE(this.strayOutside) },
    ]);
  });

  readonly importDefinition = this.RULE("importDefinition", () => {
    this.CONSUME(t.Import);
    this.CONSUME(t.Text);
  });

  readonly modelDefinition = this.RULE("modelDefinition", () => {
    this.CONSUME(t.Model);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.parameters));
    this.SUBRULE(this.body);
  });

  readonly blockDefinition = this.RULE("blockDefinition", () => {
    this.CONSUME(t.Block);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.parameters));
    this.SUBRULE(this.body);
  });

  readonly parameters = this.RULE("parameters", () => {
    this.CONSUME(t.LParen);
    this.MANY(() => this.SUBRULE(this.parameter));
    this.CONSUME(t.RParen);
  });

  readonly parameter = this.RULE("parameter", () => {
    this.CONSUME(t.Name);
    this.OPTION(() => {
      this.OR([{ ALT: () => this.CONSUME(t.Equals) }, { ALT: () => this.CONSUME(t.Colon) }]);
      this.SUBRULE(this.expression);
    });
    this.OPTION2(() => this.CONSUME(t.Comma));
  });

  readonly trainDefinition = this.RULE("trainDefinition", () => {
    this.CONSUME(t.Train);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.argumentList));
    this.OPTION2(() => this.SUBRULE(this.asName));
    this.SUBRULE(this.recipe);
  });

  // ---- Recipes ---------------------------------------------------------------------------------------------------

  readonly recipe = this.RULE("recipe", () => {
    this.CONSUME(t.LBrace);
    this.MANY(() => this.SUBRULE(this.recipeEntry));
    this.CONSUME(t.RBrace);
  });

  readonly recipeEntry = this.RULE("recipeEntry", () => {
    const key = this.CONSUME(t.Name).image;
    this.OPTION(() => this.OR([{ ALT: () => this.CONSUME(t.Equals) }, { ALT: () => this.CONSUME(t.Colon) }]));
    this.OR2([
      {
        ALT: () => {
          this.SUBRULE(this.argumentList);
          // `batch (8 * 4) * 2`: the brackets were only the beginning of a value.
          this.MANY(() => {
            this.CONSUME(t.BinaryOperator);
            this.SUBRULE(this.operand);
          });
        },
      },
      { GATE: () => this.takesNameAsValue(key), ALT: () => this.SUBRULE(this.expression) },
      { ALT: () => undefined },
    ]);
    this.OPTION3(() => {
      this.OR3([
        { GATE: () => key === "augment", ALT: () => this.SUBRULE(this.augmentation) },
        { ALT: () => this.SUBRULE(this.recipe) },
      ]);
    });
    this.OPTION4(() => this.CONSUME(t.Comma));
  });

  /** What stands in `augment { }`: a name that follows another is the next augmentation, never a value. */
  readonly augmentation = this.RULE("augmentation", () => {
    this.CONSUME(t.LBrace);
    this.MANY(() => this.SUBRULE(this.augmentationEntry));
    this.CONSUME(t.RBrace);
  });

  readonly augmentationEntry = this.RULE("augmentationEntry", () => {
    this.CONSUME(t.Name);
    this.OPTION(() => this.OR([{ ALT: () => this.CONSUME(t.Equals) }, { ALT: () => this.CONSUME(t.Colon) }]));
    this.OR2([
      { ALT: () => this.SUBRULE(this.argumentList) },
      { GATE: () => !this.nextIs(t.Name), ALT: () => this.SUBRULE(this.expression) },
      { ALT: () => undefined },
    ]);
    this.OPTION2(() => this.CONSUME(t.Comma));
  });

  // ---- Statements ------------------------------------------------------------------------------------------------

  readonly body = this.RULE("body", () => {
    this.CONSUME(t.LBrace);
    this.MANY(() => this.SUBRULE(this.statement));
    this.CONSUME(t.RBrace);
  });

  readonly statement = this.RULE("statement", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.inputStatement) },
      { GATE: () => this.isHead(), ALT: () => this.SUBRULE(this.headStatement) },
      { GATE: () => this.nextIs(t.Text, 2), ALT: () => this.SUBRULE(this.errorStatement) },
      { GATE: () => this.nextIs(t.LBrace, 2), ALT: () => this.SUBRULE(this.branchStatement) },
      { ALT: () => this.SUBRULE(this.chain), IGNORE_AMBIGUITIES: true },
      { ALT: () => this.SUBRULE(this.strayInBody) },
    ]);
  });

  readonly letStatement = this.RULE("letStatement", () => {
    this.CONSUME(t.Let);
    this.SUBRULE(this.patterns);
    this.CONSUME(t.Equals);
    this.SUBRULE(this.expression);
  });

  readonly inputStatement = this.RULE("inputStatement", () => {
    this.CONSUME(t.Input);
    this.SUBRULE(this.expression);
    this.MANY(() => {
      this.CONSUME(t.Cross);
      this.SUBRULE2(this.expression);
    });
  });

  readonly headStatement = this.RULE("headStatement", () => {
    this.CONSUME(t.Head);
    this.CONSUME(t.Name);
    this.OPTION(() => {
      this.CONSUME(t.From);
      this.CONSUME2(t.Name);
    });
    this.OPTION2(() => {
      this.CONSUME(t.Weight);
      this.SUBRULE(this.expression);
    });
    this.SUBRULE(this.body);
  });

  readonly errorStatement = this.RULE("errorStatement", () => {
    this.CONSUME(t.ErrorWord);
    this.SUBRULE(this.expression);
  });

  readonly branchStatement = this.RULE("branchStatement", () => {
    this.CONSUME(t.Branch);
    this.SUBRULE(this.body);
  });

  readonly chain = this.RULE("chain", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.From);
          this.CONSUME(t.Name);
          this.MANY(() => this.SUBRULE(this.asName));
        },
      },
      { ALT: () => this.SUBRULE(this.link) },
    ]);
    this.MANY2(() => {
      this.CONSUME(t.Arrow);
      this.SUBRULE2(this.link);
    });
  });

  readonly link = this.RULE("link", () => {
    this.SUBRULE(this.step);
    this.MANY(() => this.SUBRULE(this.asName));
  });

  readonly asName = this.RULE("asName", () => {
    this.CONSUME(t.As);
    this.CONSUME(t.Name);
  });

  readonly step = this.RULE("step", () => {
    this.OR([
      { GATE: () => this.nextIs(t.LBrace, 2), ALT: () => this.SUBRULE(this.join) },
      { ALT: () => this.SUBRULE(this.repeatStep) },
      { ALT: () => this.SUBRULE(this.forStep) },
      { ALT: () => this.SUBRULE(this.ifStep) },
      { ALT: () => this.SUBRULE(this.callStep), IGNORE_AMBIGUITIES: true },
    ]);
  });

  readonly join = this.RULE("join", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Concat) },
      { ALT: () => this.CONSUME(t.Add) },
      { ALT: () => this.CONSUME(t.Multiply) },
    ]);
    this.SUBRULE(this.body);
  });

  readonly repeatStep = this.RULE("repeatStep", () => {
    this.CONSUME(t.Repeat);
    this.SUBRULE(this.expression);
    this.OPTION(() => this.SUBRULE(this.asName));
    this.SUBRULE(this.body);
  });

  readonly forStep = this.RULE("forStep", () => {
    this.CONSUME(t.For);
    this.SUBRULE(this.patterns);
    this.CONSUME(t.In);
    this.SUBRULE(this.expression);
    this.OPTION(() => this.SUBRULE(this.asName));
    this.SUBRULE(this.body);
  });

  readonly ifStep = this.RULE("ifStep", () => {
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.body);
    this.MANY(() => this.SUBRULE(this.elseIfStep));
    this.OPTION(() => {
      this.CONSUME(t.Else);
      this.SUBRULE2(this.body);
    });
  });

  readonly elseIfStep = this.RULE("elseIfStep", () => {
    this.CONSUME(t.Else);
    this.CONSUME(t.If);
    this.SUBRULE(this.expression);
    this.SUBRULE(this.body);
  });

  readonly callStep = this.RULE("callStep", () => {
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.argumentList));
  });

  // ---- What belongs nowhere: skipped as a run, reported once ---------------------------------------------------------

  readonly strayInBody = this.RULE("strayInBody", () => {
    this.AT_LEAST_ONE(() => {
      this.OR([{ ALT: () => this.CONSUME(t.StrayInBody) }, { ALT: () => this.SUBRULE(this.skippedBrackets) }]);
    });
  });

  readonly strayOutside = this.RULE("strayOutside", () => {
    this.AT_LEAST_ONE(() => {
      this.OR([{ ALT: () => this.CONSUME(t.StrayOutside) }, { ALT: () => this.SUBRULE(this.skippedBrackets) }]);
    });
  });

  readonly skippedBrackets = this.RULE("skippedBrackets", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.LParen);
          this.MANY(() => this.SUBRULE(this.skipped));
          this.CONSUME(t.RParen);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.LBrace);
          this.MANY2(() => this.SUBRULE2(this.skipped));
          this.CONSUME(t.RBrace);
        },
      },
    ]);
  });

  readonly skipped = this.RULE("skipped", () => {
    this.OR([{ ALT: () => this.CONSUME(t.AnyWord) }, { ALT: () => this.SUBRULE(this.skippedBrackets) }]);
  });

  // ---- Lookahead -------------------------------------------------------------------------------------------------

  /** `head NAME …` with what only a head has; otherwise `head` is the name of a step. */
  private isHead(): boolean {
    if (this.nextIs(t.LBrace, 2)) return true;
    if (!this.nextIs(t.Name, 2)) return false;
    return [t.LBrace, t.From, t.Weight, t.Integer, t.Real].some((type) => this.nextIs(type, 3));
  }

  /** `early_stop` has arguments only, so a name after a bare one is the next line of the recipe. */
  private takesNameAsValue(key: string): boolean {
    return key !== "early_stop" || !this.nextIs(t.Name);
  }
}
