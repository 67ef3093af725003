/** The package has no types of its own. */
declare module 'make-fetch-happen' {
  interface Answer {
    json(): Promise<unknown>
    buffer(): Promise<Buffer>
  }
  export default function fetch(url: string, init: object): Promise<Answer>
}
