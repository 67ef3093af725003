import * as fc from 'fast-check'

/** Any text that a field value could be, as far as a parser knows: octets as latin1 (RFC 9110, 5.5). */
export const fieldText: fc.Arbitrary<string> = fc.string({
  unit: fc.nat(255).map((octet) => String.fromCharCode(octet)),
})
