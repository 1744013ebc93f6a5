import { Badge } from '@patternfly/react-core';
import BellIcon from '@patternfly/react-icons/dist/esm/icons/bell-icon';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { unreadQuery } from '../api/notification-queries.ts';
import { notificationTexts, shownCount } from '../texts/notifications.ts';

/** How many notifications the reader has not read, on every page; the way to them. */
export function NotificationBell() {
  const unread = useQuery(unreadQuery()).data ?? 0;
  return (
    <Link to="/notifications" className="console-bell" aria-label={notificationTexts.bell(unread)}>
      <BellIcon />
      {unread === 0 ? null : <Badge screenReaderText="">{shownCount(unread)}</Badge>}
    </Link>
  );
}
