/** cnnc: the generated module, as an app would import it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export async function load({ folder, entry }) {
  const modules = join(folder, entry);
  const file = readdirSync(modules).find((name) => name.endsWith(".js") && !name.startsWith("cnnc-"));
  const loaded = await import(pathToFileURL(join(modules, file)).href);
  const create = Object.entries(loaded).find(([name]) => name.startsWith("create"))[1];
  return {
    async create({ gpu }) {
      // The weights that the peers are given are the ones that the module draws from its recipe's seed.
      const network = await create({ gpu, programs: ["training"] });
      return {
        // The loss arrives when it arrives: nothing here waits for it.
        step: ({ images, labels }) => {
          const step = network.trainStep(images, labels);
          return { loss: step.metrics().then(({ loss }) => loss) };
        },
      };
    },
  };
}
