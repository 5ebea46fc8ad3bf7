// The second half of `npm run quickstart`, after the set-up: LeNet, from its file to a trained model.
import { heading, run } from "./setup.mjs";

const out = "out/quickstart";
// The shipped images, even where the full set is installed: the same few minutes and figures everywhere.
const images = "specs/data/fashion-mnist";
const cnnc = (...words) => run(process.execPath, ["compiler/bin.mjs", ...words]);

heading("cnnc summary specs/lenet.cnn");
let works = cnnc("summary", "specs/lenet.cnn", "--recipe", "quick");

if (works) {
  heading(`cnnc train specs/lenet.cnn --recipe quick --out ${out}`);
  works = cnnc("train", "specs/lenet.cnn", "--recipe", "quick", "--data", images, "--out", out, "--overwrite");
}
if (works) {
  heading("What some of the test images are taken for");
  const weights = `${out}/weights.safetensors`;
  works = cnnc(
    "predict",
    "specs/lenet.cnn",
    "--recipe",
    "quick",
    "--weights",
    weights,
    "--data",
    images,
    "--images",
    "0-4",
  );
}
if (works) {
  heading("Next");
  console.log("npx cnnc --help                  what else there is");
  console.log("specs/lenet.cnn                  the network that was trained: change it and train it again");
}
if (!works) process.exitCode = 1;
