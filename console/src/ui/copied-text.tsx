import { ClipboardCopyButton, CodeBlock, CodeBlockAction, CodeBlockCode } from '@patternfly/react-core';
import { useId, useState } from 'react';
import { actTexts } from '../texts/acts.ts';

/** A command or a fingerprint, whole, with a button that copies it. */
export function CopiedText({ text, label }: { readonly text: string; readonly label: string }) {
  const id = useId();
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
  };
  const action = (
    <CodeBlockAction>
      <ClipboardCopyButton
        id={`${id}-copy`}
        textId={id}
        aria-label={`${actTexts.copy}: ${label}`}
        variant="plain"
        onClick={() => void copy()}
        onTooltipHidden={() => setIsCopied(false)}
      >
        {isCopied ? actTexts.copied : actTexts.copy}
      </ClipboardCopyButton>
    </CodeBlockAction>
  );
  return (
    <section aria-label={label} className="console-command">
      <CodeBlock actions={action}>
        <CodeBlockCode id={id} className="console-code">
          {text}
        </CodeBlockCode>
      </CodeBlock>
    </section>
  );
}
