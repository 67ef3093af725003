import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Exchange, HttpProblem } from './exchange.ts'

/** Content that never changes, with its head made once. */
interface StaticContent {
  readonly fields: string[]
  readonly bytes: Buffer
}

function content(type: string, text: string | Buffer): StaticContent {
  const bytes = Buffer.from(text as string)
  return { fields: ['Content-Type', type, 'Content-Length', String(bytes.length)], bytes }
}

/** 2,048 bytes: the size of answer that the benchmarks of clients use. */
function sampleJson(): string {
  const items = Array.from({ length: 16 }, (_, id) => ({
    id,
    name: `item ${id}`,
    price: 9.99 + id,
    tags: ['sample', 'httpbin'],
    inStock: id % 3 !== 0,
    note: 'a line of text',
  }))
  const json = JSON.stringify({ title: 'Sample', items, padding: '' })
  return json.replace('"padding":""', `"padding":"${'.'.repeat(2_048 - json.length)}"`)
}

const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4" fill="#3178c6"/></svg>'
const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAFElEQVR42mM0rDjGAANMDEgANwcASB0Bd+NAkEgAAAAASUVORK5CYII='
const jpeg =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T' +
  '/wAALCAAEAAQBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AF//Z'
const webp = 'UklGRh4AAABXRUJQVlA4TBEAAAAvA8AAAAdQvMbUuP+BiOh/AAA='

/** Squares of 4 by 4 pixels. */
const images = {
  png: content('image/png', Buffer.from(png, 'base64')),
  jpeg: content('image/jpeg', Buffer.from(jpeg, 'base64')),
  svg: content('image/svg+xml', svg),
  webp: content('image/webp', Buffer.from(webp, 'base64')),
}

/** Paths with content that never changes; they take GET and HEAD. */
export const staticContents: ReadonlyMap<string, StaticContent> = new Map([
  ['/json', content('application/json', sampleJson())],
  [
    '/html',
    content(
      'text/html; charset=utf-8',
      '<!doctype html><title>Sample</title><h1>Sample</h1><p>A page.</p>\n',
    ),
  ],
  [
    '/xml',
    content(
      'application/xml',
      '<?xml version="1.0" encoding="us-ascii"?>\n<list><item id="1">one</item></list>\n',
    ),
  ],
  ['/robots.txt', content('text/plain', 'User-agent: *\nDisallow: /deny\n')],
  [
    '/encoding/utf8',
    content('text/html; charset=utf-8', '<!doctype html><p>Grüße, Ελλάδα, Россия, 日本語, 🙂</p>\n'),
  ],
  ['/image/png', images.png],
  ['/image/jpeg', images.jpeg],
  ['/image/svg', images.svg],
  ['/image/webp', images.webp],
])

/** Answers with content that never changes. */
export function sendStatic(response: ServerResponse, { fields, bytes }: StaticContent): void {
  response.writeHead(200, fields)
  response.end(bytes)
}

/** `/image`: the kind that Accept asks for; PNG for anybody who does not care. */
export function image({ request, response }: Exchange): void {
  sendStatic(response, preferred(request))
}

function preferred(request: IncomingMessage): StaticContent {
  const accept = request.headers.accept ?? '*/*'
  if (accept.includes('image/webp')) return images.webp
  if (accept.includes('image/svg+xml')) return images.svg
  if (accept.includes('image/jpeg')) return images.jpeg
  if (/image\/(?:png|\*)|\*\/\*/.test(accept)) return images.png
  throw new HttpProblem(406, 'there are image/png, image/jpeg, image/svg+xml and image/webp')
}
