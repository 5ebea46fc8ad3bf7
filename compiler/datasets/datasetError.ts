import { UserError } from "../files/userError.ts";

/** A data set that cannot be read or does not fit the model; the message names the file, and the offset where it has one. */
export class DatasetError extends UserError {
  override readonly name = "DatasetError";
}
