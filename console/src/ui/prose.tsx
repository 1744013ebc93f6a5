/** A text with commands between backticks, as the control plane writes them. It stays text: nothing else is read in it. */
export function Prose({ text }: { readonly text: string }) {
  return (
    <span className="console-text">
      {text.split(/(`[^`\n]+`)/).map((part, index) => {
        // The parts have no name but their place, and never move.
        const key = `${index} ${part}`;
        return index % 2 === 1 ? <code key={key}>{part.slice(1, -1)}</code> : <span key={key}>{part}</span>;
      })}
    </span>
  );
}
