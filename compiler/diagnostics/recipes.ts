/** CNN5xxx: recipes and data. Only catalogue entries are exported from here. */
export {};
