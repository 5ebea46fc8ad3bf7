/** CNN3xxx: shapes. Only catalogue entries are exported from here. */
export {};
