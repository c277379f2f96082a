// Files that the bundler (wrangler's `rules`) and the test runner import as text.
declare module '*.lua' {
  const text: string
  export default text
}
declare module '*.html' {
  const text: string
  export default text
}
