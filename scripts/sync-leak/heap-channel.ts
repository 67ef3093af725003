/** Where threads ask each other how much memory they have in use. */
export const heapChannel = 'bytes in use'
