/** React puts a `title` into the document's head. */
export function PageTitle({ title }: { readonly title: string }) {
  return <title>{`${title} · Gatehouse`}</title>;
}
