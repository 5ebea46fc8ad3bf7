/** What `cnnc eval` prints of known figures. */
import { expect, test } from "@jest/globals";
import { confusionCsv, evaluationJson, evaluationText } from "../../../compiler/commands/evaluationText.ts";
import type { Evaluation } from "../../../compiler/training/metrics.ts";

/** The figures of this matrix, with a loss of 0.5. */
function evaluationOf(rows: readonly (readonly number[])[], correctInTop5?: number): Evaluation {
  const count = rows.flat().reduce((sum, each) => sum + each, 0);
  const correct = rows.reduce((sum, row, index) => sum + row[index]!, 0);
  return { loss: 0.5, correct, count, correctInTop5, confusion: rows.map((row) => Uint32Array.from(row)) };
}

const small = evaluationOf([
  [8, 2, 0, 0],
  [1, 3, 0, 0],
  [2, 0, 0, 0],
  [0, 0, 0, 0],
]);
const names = ["cat", "dog", "cow, or calf"];

test("few classes: all figures and the whole matrix, a dash where a figure is undefined", () => {
  expect(evaluationText(small, names)).toBe(`test loss 0.5000
test accuracy 68.8 % (11 of 16)

class                precision  recall      F1  images
cat                     72.7 %  80.0 %  76.2 %      10
dog                     60.0 %  75.0 %  66.7 %       4
cow, or calf                 –   0.0 %   0.0 %       2
class 3                      –       –       –       0
mean of the classes     66.4 %  51.7 %  47.6 %      16

class, taken for  0  1  2  3
0 cat             8  2  ·  ·
1 dog             1  3  ·  ·
2 cow, or calf    2  ·  ·  ·
3                 ·  ·  ·  ·
`);
});

test("classes that are called by their numbers are named once", () => {
  expect(evaluationText(evaluationOf([[3, 1], [0, 4]]), ["0", "1"])).toMatch(/\n0 +3 +1\n1 +· +4\n$/); // prettier-ignore
});

test("many classes: the worst of them, and the commonest mistakes", () => {
  const rows = Array.from({ length: 25 }, (_, label) =>
    Array.from({ length: 25 }, (__, predicted) =>
      predicted === label ? 40 - label : predicted === label + 1 ? label : 0,
    ),
  );
  rows[24] = rows[24]!.map(() => 0);
  const text = evaluationText(evaluationOf(rows, 900), []);
  const lines = text.split("\n");
  expect(lines[2]).toMatch(/^top-5 accuracy \d+\.\d % \(900 of 960\)$/);
  expect(text).toContain("the 10 lowest F1 of 25 classes\n");
  // Class 24 has no images, and what it is taken for is all wrong.
  expect(lines.slice(6, 16).map((line) => Number(/^class (\d+)/.exec(line)?.[1]))).toEqual([
    24, 23, 22, 21, 20, 19, 18, 17, 16, 15,
  ]);
  expect(lines[18]).toBe("class     most often taken for  images");
  expect(lines[19]).toBe("class 23  class 24                  23");
  expect(lines).toHaveLength(18 + 1 + 10 + 1);
});

test("as JSON undefined figures are null, and as CSV names with commas are quoted", () => {
  expect(evaluationJson(small, names)).toMatchObject({
    loss: 0.5,
    accuracy: 11 / 16,
    classes: [
      { name: "cat", precision: 8 / 11, recall: 0.8, f1: 16 / 21, support: 10, predicted: 11, correct: 8 },
      {},
      { name: "cow, or calf", precision: null, recall: 0, f1: 0, support: 2 },
      { name: "class 3", precision: null, recall: null, f1: null, support: 0 },
    ],
    confusion: [[8, 2, 0, 0], [1, 3, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]], // prettier-ignore
  });
  expect(confusionCsv(small.confusion, [...names, 'so "called"'])).toBe(
    'class,cat,dog,"cow, or calf","so ""called"""\n' +
      'cat,8,2,0,0\ndog,1,3,0,0\n"cow, or calf",2,0,0,0\n"so ""called""",0,0,0,0\n',
  );
});
