/** CNN2xxx: names and arguments. Only catalogue entries are exported from here. */
export {};
