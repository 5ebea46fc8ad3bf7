import { generateCstDts } from "chevrotain";
import { CnnParser } from "./parser.ts";

/** The text of grammar/cst.d.ts: the types of the tree that the parser builds. */
export function generateCstTypes(): string {
  const header = "// @generated from grammar/parser.ts by `npm run generate`: do not edit.\n";
  return header + generateCstDts(new CnnParser().getGAstProductions(), { visitorInterfaceName: "CnnCstVisitor" });
}
