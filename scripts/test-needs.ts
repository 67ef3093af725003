/**
 * Sees to what the tests need beside Node.js: a Redis server, as a program; no service of the machine is used or
 * started. Installs Debian's when it is missing and may be installed; else says in one line how to get it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { findServer } from '../src/backends/redis/find-server.ts'

/** Where Debian's packages ask whether they may start their service: 101 says no. */
const policy = '/usr/sbin/policy-rc.d'

if (!hasServer()) {
  if (process.getuid?.() === 0 && succeeds('apt-get', '--version')) installServer()
  if (!hasServer()) {
    process.stderr.write(
      'The tests need redis-server (6.2 or newer) or valkey-server on the PATH: sudo apt-get install redis-server\n',
    )
    process.exitCode = 1
  }
}

function hasServer(): boolean {
  try {
    return findServer() !== ''
  } catch {
    return false
  }
}

/** As `apt-get install redis-server`, but the package does not start its service, now or at boot. */
function installServer(): void {
  process.stderr.write('Installing redis-server for the tests, without starting its service\n')
  const ours = !existsSync(policy) // the machine's own policy stays as it is
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const install = ['install', '--yes', '--no-install-recommends', 'redis-server']
    if (!succeeds('apt-get', ...install) && succeeds('apt-get', 'update')) succeeds('apt-get', ...install)
  } finally {
    if (ours) rmSync(policy)
  }
  if (existsSync('/run/systemd/system')) succeeds('systemctl', 'disable', 'redis-server')
}

function succeeds(command: string, ...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
}
