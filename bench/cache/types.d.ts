/** The package has no types of its own. */
declare module 'make-fetch-happen' {
  interface Answer {
    text(): Promise<string>
    buffer(): Promise<Buffer>
  }
  export default function fetch(url: string, init: object): Promise<Answer>
}
