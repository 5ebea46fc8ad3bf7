/** cnnc: the generated module, as an app would import it from `generated`, an address. */
export async function load({ generated }) {
  const loaded = await import(generated);
  const create = Object.entries(loaded).find(([name]) => name.startsWith("create"))[1];
  return {
    async create({ gpu, program }) {
      // The weights that the peers are given are the ones that the module draws from its recipe's seed.
      const network = await create({ gpu, programs: [program] });
      return {
        // The loss arrives when it arrives: nothing here waits for it.
        step: ({ images, labels }) => {
          const step = network.trainStep(images, labels);
          return { loss: step.metrics().then(({ loss }) => loss) };
        },
        infer: ({ images }) => network.predict(images),
      };
    },
  };
}
