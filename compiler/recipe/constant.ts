/** The rate as the optimizer gives it. */
import { defineSchedule } from "./defineRecipePart.ts";

export const constant = defineSchedule({ name: "constant", doc: "the rate as given", arguments: [] });
