/** CNN6xxx: warnings. Only catalogue entries are exported from here. */
export {};
