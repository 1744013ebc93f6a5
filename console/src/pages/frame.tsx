/** The frame of every page: what this control plane is, who is signed in, and whether the page is live. */

import {
  Banner,
  Button,
  Label,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadMain,
  Page,
  SkipToContent,
} from '@patternfly/react-core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { client } from '../api/client.ts';
import { codeOf } from '../api/problem.ts';
import { meQuery, platformQuery } from '../api/queries.ts';
import { useLiveEvents } from '../api/use-live-events.ts';
import { Brand } from '../ui/brand.tsx';
import { Instant } from '../ui/instant.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { SandboxLabel } from '../ui/labels.tsx';

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
  const platform = useQuery(platformQuery()).data;
  const masthead = (
    <Masthead display={{ default: 'inline' }}>
      <MastheadMain>
        <MastheadBrand>
          <Link to="/gateways" className="console-home" aria-label="Gatehouse: gateways">
            <Brand />
            <span className="console-name">Gatehouse</span>
          </Link>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <div className="console-header">
          {platform === undefined ? null : (
            <Label variant="outline">
              {platform.version === undefined ? 'No platform version yet' : `Platform ${platform.version}`}
            </Label>
          )}
          {platform?.isSandbox === true ? <SandboxLabel>Sandbox</SandboxLabel> : null}
          <span className="console-who" title={role}>
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
      skipToContent={<SkipToContent href="#main">Skip to content</SkipToContent>}
      banner={
        // Always there, so that what is put into it later is announced.
        <output>
          {connection.kind === 'lost' ? (
            <Banner color="red" className="console-lost">
              The connection to the control plane is lost since{' '}
              <Instant at={new Date(connection.since).toISOString()} />; trying again. What you see may be older than it
              looks.
            </Banner>
          ) : null}
        </output>
      }
    >
      <Outlet />
    </Page>
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
      {signOut.isError ? 'Sign out again' : 'Sign out'}
    </Button>
  );
}
