// The origin Worker as it would be with one of its protections taken out: its sources, bundled with some exact texts replaced.
// Used by the storms that show what each protection prevents. Nothing in the sources knows of this, and a text that is no
// longer there fails the test instead of leaving the protection in.
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { ROOT } from '../../local/workers.ts'

export interface Patch {
  /** From the root of the project. */
  readonly file: string
  /** Occurs exactly once. */
  readonly text: string
  readonly instead: string
}

/** One module, as text. Throws where a text of a patch does not occur exactly once. */
export async function bundleOrigin(patches: readonly Patch[] = []): Promise<string> {
  const applied = new Set<Patch>()
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'origin', 'index.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    logLevel: 'silent',
    loader: { '.lua': 'text', '.html': 'text' },
    plugins: [replaceTexts(patches, applied)],
  })
  const forgotten = patches.find((patch) => !applied.has(patch))
  if (forgotten !== undefined) throw new Error(`${forgotten.file} is not part of the origin any more`)
  const [output] = outputFiles
  if (output === undefined) throw new Error('the bundler made no output for the origin')
  return output.text
}

const replaceTexts = (patches: readonly Patch[], applied: Set<Patch>): Plugin => ({
  name: 'protections',
  setup(bundle) {
    bundle.onLoad({ filter: /\.(ts|lua)$/ }, async ({ path }) => {
      const file = relative(ROOT, path).replaceAll('\\', '/')
      const wanted = patches.filter((patch) => patch.file === file)
      if (wanted.length === 0) return undefined
      let contents = await readFile(path, 'utf8')
      for (const patch of wanted) {
        const found = contents.split(patch.text).length - 1
        if (found !== 1) throw new Error(`${file} has ${found} times, not once: ${patch.text}`)
        contents = contents.replace(patch.text, () => patch.instead)
        applied.add(patch)
      }
      return { contents, loader: file.endsWith('.lua') ? 'text' : 'ts' }
    })
  },
})
