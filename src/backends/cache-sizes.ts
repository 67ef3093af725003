/** Most bytes that a cache store keeps where nobody says otherwise: 256 MiB. */
export const defaultMaxSize = 268_435_456

/** Most bytes of one entry, or of its content: 32 MiB. */
export const defaultMaxEntrySize = 33_554_432
