import { existsSync, readFileSync } from 'node:fs'
import type { Microseconds } from '../../core/duration.ts'

/** What Linux calls this run of the machine: another text after each boot. */
const bootIdFile = '/proc/sys/kernel/random/boot_id'

/** What a file remembers of the clock that its instants are of. */
export interface BootClock {
  /** Which boot; empty where the system does not say. */
  readonly boot: string
  /** Time since that boot when this was noted. */
  readonly uptime: Microseconds
  /** The calendar’s instant of that boot, as it was then taken to be. */
  readonly bootedAt: Microseconds
}

/** Time since the machine was booted: one clock for all processes, which knows no steps. */
export function uptime(): Microseconds {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1_000)
}

/** Where the system does not say which boot this is, only that it is another one can be seen: time began anew. */
export function currentClock(noted: BootClock | undefined): BootClock {
  return clockOf(noted, existsSync(bootIdFile) ? readFileSync(bootIdFile, 'latin1').trim() : '', uptime())
}

/**
 * The clock for instants in a file: time since boot, counted from the calendar’s instant of that boot. Whoever
 * is the first to use the file after a boot decides which instant that is; all others take it over, so that
 * they agree to the microsecond and no change of the calendar touches them. Instants of an earlier boot
 * are then as far back as the calendar says.
 *
 * Without the name of the boot the old clock goes on unless time since boot is less than was noted. If it went on
 * wrongly, less time would seem to have passed than has: limits hold.
 */
export function clockOf(noted: BootClock | undefined, boot: string, now: Microseconds): BootClock {
  const isSame = noted !== undefined && noted.boot === boot && (boot !== '' || noted.uptime <= now)
  return isSame ? { ...noted, uptime: now } : { boot, uptime: now, bootedAt: Date.now() * 1_000 - now }
}
