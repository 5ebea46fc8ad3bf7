import { writeAtomically } from "../files/writeAtomically.ts";
import { evaluateNetwork } from "../training/evaluateNetwork.ts";
import { confusionCsv, evaluationJson, evaluationText } from "./evaluationText.ts";
import { compileForData, compileTrained, openClassifier, type TrainedOptions } from "./openClassifier.ts";
import { counted, type Terminal } from "./terminal.ts";

export interface EvalCommandOptions extends TrainedOptions {
  /** Where the confusion matrix goes as a table. */
  readonly csv?: string;
}

/** `cnnc eval`: loss, accuracy, figures of the classes and the confusion matrix of trained weights on the test images. */
export async function evalCommand(file: string, options: EvalCommandOptions, terminal: Terminal): Promise<number> {
  const spec = compileTrained(file, options, terminal);
  const dataset = spec.dataset();
  const network = compileForData(spec, options);
  const classifier = await openClassifier(network, spec, terminal);
  try {
    if (options.json !== true) {
      terminal.error(`${dataset.description}\nadapter: ${classifier.description}\n`);
      if (options.weights.length > 1) terminal.error(`an ensemble of ${options.weights.length} weights files\n`);
    }
    const skipped: string[] = [];
    const onSkip = ({ message }: Error): void => {
      skipped.push(message);
      terminal.error(`skipped: ${message}\n`);
    };
    const evaluation = await evaluateNetwork(classifier, dataset.test, { onSkip });
    const { classNames } = dataset;
    if (options.csv !== undefined) writeAtomically(options.csv, confusionCsv(evaluation.confusion, classNames));
    if (options.json === true) {
      const { name } = network;
      const { weights } = options;
      const { description: adapter } = classifier;
      const figures = evaluationJson(evaluation, classNames);
      terminal.out(
        `${JSON.stringify({ name, ...figures, skipped, weights, adapter, diagnostics: spec.diagnostics })}\n`,
      );
    } else {
      if (skipped.length > 0) terminal.error(`${counted(skipped.length, "damaged picture")} skipped\n`);
      terminal.out(evaluationText(evaluation, classNames));
    }
    return 0;
  } finally {
    classifier.close();
  }
}
