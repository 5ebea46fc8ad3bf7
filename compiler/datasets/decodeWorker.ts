/** A thread of `createPictureReader`: reads and decodes the pictures that it is sent, a group at a time. */
import { parentPort } from "node:worker_threads";
import { readPlanes, toAnswer, type PictureAnswer, type PictureRequest } from "./readPlanes.ts";

const port = parentPort;
port?.on("message", (requests: readonly PictureRequest[]) => {
  port.postMessage(...answer(requests));
});

/** The answers of a group, with the planes to hand over; undefined where something is wrong that the asking thread is to say. */
function answer(requests: readonly PictureRequest[]): [readonly PictureAnswer[] | undefined, ArrayBuffer[]] {
  try {
    const answers = requests.map((request) => toAnswer(readPlanes(request)));
    return [answers, answers.flatMap((each) => (each.kind === "planes" ? [each.planes.buffer] : []))];
  } catch {
    return [undefined, []];
  }
}
