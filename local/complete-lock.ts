// `npm run lock`: after a change of dependencies, writes package-lock.json again and adds what a registry mirror that holds
// only some platforms made npm leave out: the optional binaries of the other platforms. Without these entries `npm ci`
// refuses the lock file. They carry version and platform; npm finds the rest when such a platform installs them.
import { readFile, writeFile } from 'node:fs/promises'

interface Entry {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
interface Lock {
  packages: Record<string, Entry>
}

const OS = ['darwin', 'linux', 'win32', 'android', 'freebsd', 'openharmony']
const CPU = ['x64', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'arm']

/** `binding-linux-arm-musleabihf` → its platform; throws on a name that does not tell. */
function platformOf(name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> {
  const parts = name
    .slice(name.lastIndexOf('/') + 1)
    .replace('windows', 'win32')
    .replace(/-64$/, '-x64')
    .split('-')
  const os = OS.find((one) => parts.includes(one))
  const cpu = CPU.find((one) => parts.includes(one))
  if (os === undefined || cpu === undefined) throw new Error(`${name}: its name does not tell its platform`)
  const libc = parts.some((part) => part.startsWith('musl'))
    ? 'musl'
    : parts.some((part) => part.startsWith('gnu'))
      ? 'glibc'
      : undefined
  return { os: [os], cpu: [cpu], ...(libc !== undefined && { libc: [libc] }) }
}

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(await readFile(file, 'utf8')) as Lock
const added: string[] = []
for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (`node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages) continue
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(dev === true && { dev }),
      optional: true,
    }
    added.push(name)
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
await writeFile(file, `${JSON.stringify(lock, undefined, 2)}\n`)
console.log(
  added.length === 0 ? 'package-lock.json is complete' : `added ${added.length}: ${added.join(' ')}`,
)
