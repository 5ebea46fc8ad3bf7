// The page's side: buttons, figures and a clock to click at. It never waits for the network.
const element = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });
const ask = (command, more = {}, transfer = []) => worker.postMessage({ command, ...more }, transfer);
const losses = [];

const hear = {
  ready: ({ kept }) => show(kept.includes("checkpoint") ? "ready to go on" : "ready", { train: true, forget: true }),
  step({ epoch, epochs, step, steps, loss, accuracy, imagesPerSecond }) {
    losses.push(loss);
    const figures = `loss ${loss.toFixed(3)}, ${(100 * accuracy).toFixed(1)} % right, ${imagesPerSecond.toFixed(0)} images/s`;
    element("progress").textContent = `epoch ${epoch}/${epochs}, step ${step}/${steps}: ${figures}`;
    plot();
  },
  epoch: ({ epoch, validation }) =>
    show(`training; ${(100 * validation.accuracy).toFixed(1)} % of other clocks after epoch ${epoch}`, running),
  paused: ({ steps }) => show(`paused after step ${steps}`, { train: true, stop: true }),
  ended: ({ state, steps }) => show(`${state} after step ${steps}`, { train: true, forget: true }),
  forgotten: () => show("ready", { train: true, forget: true }),
  hour: ({ hour }) => (element("answer").value = `${hour === 0 ? 12 : hour} o'clock`),
  failed: ({ message }) => show(`failed: ${message}`, { train: true, forget: true }),
};
worker.addEventListener("message", ({ data }) => hear[data.kind](data));
worker.addEventListener("error", ({ message }) => show(`failed: ${message}`, {}));

const running = { pause: true, stop: true };

function show(status, enabled) {
  element("status").textContent = status;
  for (const id of ["train", "pause", "stop", "forget"]) element(id).disabled = enabled[id] !== true;
}

element("train").addEventListener("click", () => {
  show("training", running);
  ask("train", { epochs: Number(new URLSearchParams(location.search).get("epochs") ?? 8) });
});
for (const command of ["pause", "stop", "forget"]) element(command).addEventListener("click", () => ask(command));

element("clock").addEventListener("click", async ({ offsetX, offsetY }) => {
  const { width, height } = element("clock");
  const context = element("clock").getContext("2d");
  context.fillRect(0, 0, width, height);
  [context.strokeStyle, context.lineWidth] = ["white", 18];
  const angle = Math.atan2(offsetX - width / 2, height / 2 - offsetY);
  context.beginPath();
  context.moveTo(width / 2, height / 2);
  context.lineTo(width / 2 + 66 * Math.sin(angle), height / 2 - 66 * Math.cos(angle));
  context.stroke();
  // The picture moves to the worker; nothing is copied.
  const picture = await createImageBitmap(element("clock"));
  ask("read", { picture }, [picture]);
});

function plot() {
  const { width, height } = element("curve");
  const context = element("curve").getContext("2d");
  context.clearRect(0, 0, width, height);
  context.beginPath();
  const greatest = Math.max(...losses.slice(-1000), 1);
  losses.slice(-1000).forEach((loss, index, { length }) => {
    context.lineTo((index / length) * width, height * (1 - loss / greatest));
  });
  context.stroke();
}
