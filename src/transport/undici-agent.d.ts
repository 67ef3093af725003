/** undici’s Agent without the rest of undici; see undici-transport.ts. */
declare module 'undici/lib/dispatcher/agent.js' {
  export { Agent as default } from 'undici'
}
