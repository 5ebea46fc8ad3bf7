// The second half of `npm run quickstart`, after the set-up: LeNet, from its file to a trained model.
import { run } from "./setup.mjs";

const words = "train specs/lenet.cnn --recipe quick --data specs/data/fashion-mnist --out out/quickstart";
if (!run(process.execPath, ["compiler/bin.mjs", ...words.split(" ")])) process.exitCode = 1;
