/** The frame of every page: the way to the others, what this control plane is, who is signed in, and whether it is live. */

import {
  Banner,
  Button,
  Label,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadMain,
  MastheadToggle,
  Page,
  PageSidebar,
  PageSidebarBody,
  PageToggleButton,
  SkipToContent,
} from '@patternfly/react-core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { client } from '../api/client.ts';
import { overviewQuery } from '../api/fleet-queries.ts';
import type { Connection } from '../api/live-events.ts';
import { codeOf } from '../api/problem.ts';
import { meQuery } from '../api/queries.ts';
import { useLiveEvents } from '../api/use-live-events.ts';
import { frameTexts } from '../texts/frame.ts';
import { Brand } from '../ui/brand.tsx';
import { ColorSchemeSwitch } from '../ui/color-scheme-switch.tsx';
import { Instant } from '../ui/instant.tsx';
import { SandboxLabel } from '../ui/labels.tsx';
import { LiveMark } from '../ui/live-mark.tsx';
import { Loading } from '../ui/loading.tsx';
import { Navigation } from '../ui/navigation.tsx';
import { NotificationBell } from '../ui/notification-bell.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { StatusWarnings } from '../ui/status-warnings.tsx';

export function Frame() {
  const me = useQuery({ ...meQuery(), refetchInterval: ({ state }) => (state.data === undefined ? 3000 : 60_000) });
  if (me.data !== undefined) return <SignedIn name={me.data.name} role={me.data.role} />;
  if (me.isError && codeOf(me.error) !== 'not-signed-in') {
    return (
      <main className="console-alone">
        <ProblemAlert error={me.error} />
      </main>
    );
  }
  return <Loading />;
}

function SignedIn({ name, role }: { readonly name: string; readonly role: string }) {
  const connection = useLiveEvents();
  const platform = useQuery(overviewQuery()).data?.platform;
  const sidebar = useSidebar();
  const masthead = (
    <Masthead display={{ default: 'inline' }}>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton
            isHamburgerButton
            isSidebarOpen={sidebar.isOpen}
            onSidebarToggle={sidebar.toggle}
            aria-label={frameTexts.navigationToggle}
            aria-controls={sidebarId}
          />
        </MastheadToggle>
        <MastheadBrand>
          <Link to="/" className="console-home" aria-label={frameTexts.home}>
            <Brand />
            <span className="console-name">{frameTexts.brand}</span>
          </Link>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <div className="console-header">
          {platform === undefined ? null : (
            <Label variant="outline" className="console-only-wide">
              {frameTexts.platform(platform.version)}
            </Label>
          )}
          {platform?.isSandbox === true ? (
            <span className="console-only-wide">
              <SandboxLabel>{frameTexts.sandbox}</SandboxLabel>
            </span>
          ) : null}
          <LiveMark connection={connection} />
          <NotificationBell />
          <ColorSchemeSwitch />
          <span className="console-who console-only-wide" title={role}>
            {name}
          </span>
          <SignOut />
        </div>
      </MastheadContent>
    </Masthead>
  );
  return (
    <Page
      masthead={masthead}
      mainContainerId="main"
      onPageResize={(_event, { mobileView }: { readonly mobileView: boolean }) => sidebar.onWidth(mobileView)}
      sidebar={
        <PageSidebar id={sidebarId} isSidebarOpen={sidebar.isOpen} className="console-sidebar">
          <PageSidebarBody>
            <div inert={!sidebar.isOpen}>
              <Navigation onNavigate={sidebar.onNavigate} />
            </div>
          </PageSidebarBody>
        </PageSidebar>
      }
      skipToContent={<SkipToContent href="#main">{frameTexts.skip}</SkipToContent>}
      banner={<ConnectionBanner connection={connection} />}
    >
      <StatusWarnings />
      <Outlet />
    </Page>
  );
}

const sidebarId = 'console-pages';

/** Open where there is room for it; over the page, and closed by going somewhere, where there is not. */
function useSidebar() {
  const [isOpen, setIsOpen] = useState(true);
  const isNarrow = useRef<boolean>(undefined);
  return {
    isOpen,
    toggle: () => setIsOpen((was) => !was),
    onNavigate: () => {
      if (isNarrow.current === true) setIsOpen(false);
    },
    onWidth: (nowNarrow: boolean) => {
      if (isNarrow.current === nowNarrow) return;
      isNarrow.current = nowNarrow;
      setIsOpen(!nowNarrow);
    },
  };
}

function ConnectionBanner({ connection }: { readonly connection: Connection }) {
  return (
    // Always there, so that what is put into it later is announced.
    <output>
      {connection.kind === 'lost' ? (
        <Banner color="red" className="console-connection">
          {frameTexts.lostSince} <Instant at={new Date(connection.since).toISOString()} />
          {frameTexts.lostAdvice}
        </Banner>
      ) : null}
      {connection.kind === 'live' && connection.isHealed ? (
        <Banner color="green" className="console-connection">
          {frameTexts.healed}
        </Banner>
      ) : null}
    </output>
  );
}

function SignOut() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const signOut = useMutation({
    mutationFn: () => client.signOut({}),
    onSuccess: async () => {
      await navigate({ to: '/sign-in', replace: true });
      queryClient.clear();
    },
  });
  return (
    <Button variant="link" size="sm" isInline onClick={() => signOut.mutate()} isDisabled={signOut.isPending}>
      {signOut.isError ? frameTexts.signOutAgain : frameTexts.signOut}
    </Button>
  );
}
