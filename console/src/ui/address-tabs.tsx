import { Tab, Tabs } from '@patternfly/react-core';
import { useEffect, useRef } from 'react';

export interface AddressTab {
  readonly title: string;
  /** Path and query. */
  readonly href: string;
  /** Within the page that is open. */
  readonly go: () => void;
}

interface AddressTabsProps {
  readonly label: string;
  readonly tabs: readonly AddressTab[];
  /** Title of the open one. */
  readonly active: string;
  /** Id of what they show. */
  readonly contentId: string;
}

/** Each tab has an address of its own, so each is a link that can be opened elsewhere. */
export function AddressTabs({ label, tabs, active, contentId }: AddressTabsProps) {
  const openAt = tabs.findIndex(({ title }) => title === active);
  const row = useRef<HTMLDivElement>(null);
  // A narrow window has room for one or two: the open one is among them.
  useEffect(() => {
    row.current?.querySelectorAll('[role="tab"]')[openAt]?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [openAt]);
  return (
    <div ref={row}>
      <Tabs
        aria-label={label}
        activeKey={active}
        usePageInsets
        onSelect={(event, title) => {
          const tab = tabs.find((one) => one.title === title);
          if (tab === undefined || event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          tab.go();
        }}
      >
        {tabs.map(({ title, href }) => (
          <Tab key={title} eventKey={title} title={title} tabContentId={contentId} href={href} />
        ))}
      </Tabs>
    </div>
  );
}
