import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')
const program = join(root, 'dist/sync/worker.js')

/**
 * Makes one file of the program of SyncSession’s worker and of all that it imports of this package: to load some 240
 * modules takes longer than all else that a first request waits for. Libraries stay where they are.
 */
export async function bundleWorker(): Promise<void> {
  await build({
    entryPoints: [program],
    outfile: program,
    allowOverwrite: true,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node22',
    plugins: [ownUrls],
    logLevel: 'warning',
  })
}

/** Has a module that looks for files beside it look where it was, not where the bundle is. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup(bundling) {
    bundling.onLoad({ filter: /[/\\]dist[/\\].*\.js$/ }, ({ path }) => {
      const specifier = relative(dirname(program), path).replaceAll('\\', '/')
      const contents = readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        `new URL(${JSON.stringify(specifier)}, import.meta.url).href`,
      )
      return { contents }
    })
  },
}
