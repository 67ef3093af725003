/** The package has no types of its own. */
declare module 'sync-fetch' {
  export default function fetch(url: string, init: object): { json(): unknown }
}
