/** What an app may want besides the network itself: each part is its own file, so that a bundler takes only what is used. */
export { startTraining } from "./startTraining.ts";
export type {
  Training, TrainingEvent, TrainingHistory, TrainingOptions, TrainingState, WatchableNetwork,
} from "./startTraining.ts"; // prettier-ignore
export { scheduledMomentum, scheduledRate } from "./schedules.ts";
export type { Schedule, ScheduleTime } from "./schedules.ts";
export type { CourseOptions, RateMoment } from "./trainingCourse.ts";
export { indexedDbStore } from "./byteStore.ts";
export type { ByteStore } from "./byteStore.ts";
export { evaluateClasses } from "./evaluateClasses.ts";
export type { ClassEvaluation, EvaluatedNetwork, EvaluationOptions } from "./evaluateClasses.ts";
export { classFigures, commonConfusions, createTally, meanFigure, rankOf } from "./figures.ts";
export type { ClassFigures, Confusion, ConfusionMatrix, Evaluation, Tally } from "./figures.ts";
export { crossEntropy, firstMaximum } from "./inference.ts";
export { loadPartial } from "./partialWeights.ts";
export type { LoadableNetwork, NameMap, NameMatcher, PartialLoad, PartialLoadOptions } from "./partialWeights.ts";
export { torchvision } from "./torchvisionNames.ts";
