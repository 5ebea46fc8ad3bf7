import TestRunner from "jest-runner";

/** Jest's runner, but for one test file at a time, in jest's own process. */
export default class SerialRunner extends TestRunner {
  isSerial = true;
}
