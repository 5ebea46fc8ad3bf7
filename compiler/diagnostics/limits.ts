/** CNN4xxx: device limits. Only catalogue entries are exported from here. */
export {};
