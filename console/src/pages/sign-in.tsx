/**
 * Signs in by the one-time link that the control plane prints (`/sign-in#key=…`) or by an API token. What follows `#`
 * is never sent to a server by the browser; it leaves the address before it is used.
 */

import {
  Alert,
  Bullseye,
  Button,
  Card,
  CardBody,
  CardTitle,
  Content,
  Form,
  FormGroup,
  TextInput,
} from '@patternfly/react-core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { client } from '../api/client.ts';
import { pageAfterSignIn } from '../format/sign-in-state.ts';
import { signInTexts as texts } from '../texts/sign-in.ts';
import { Brand } from '../ui/brand.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';

export function SignIn() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const { history } = useRouter();
  const hash = useLocation({ select: (location) => location.hash });
  const { next, hasEnded } = useLocation({ select: ({ state }) => state });
  const [token, setToken] = useState('');
  const signIn = useMutation({
    mutationFn: (body: { readonly key: string } | { readonly token: string }) => client.signIn({ body }),
    onSuccess: () => {
      // Nothing that somebody else was shown before.
      queryClient.clear();
      history.replace(pageAfterSignIn(next));
    },
  });
  const { mutate } = signIn;
  const key = new URLSearchParams(hash).get('key') ?? '';
  useEffect(() => {
    if (key === '') return;
    void navigate({ to: '/sign-in', hash: '', replace: true });
    mutate({ key });
  }, [key, mutate, navigate]);

  if (key !== '' || (signIn.isPending && token === '')) return <Loading />;
  return (
    <main className="console-sign-in">
      <PageTitle title={texts.pageTitle} />
      <Bullseye>
        <Card className="console-sign-in-card" isLarge>
          <CardTitle component="h1">
            <Brand />
            <span>{texts.title}</span>
          </CardTitle>
          <CardBody>
            {hasEnded === true && !signIn.isError ? (
              <Alert variant="info" isInline component="h2" title={texts.ended} role="alert">
                {texts.endedDetail}
              </Alert>
            ) : null}
            {signIn.isError ? <ProblemAlert error={signIn.error} /> : null}
            <Form
              onSubmit={(event) => {
                event.preventDefault();
                if (token !== '') mutate({ token });
              }}
            >
              <FormGroup label={texts.token} fieldId="token" isRequired>
                <TextInput
                  id="token"
                  type="password"
                  autoComplete="off"
                  maxLength={200}
                  isRequired
                  value={token}
                  onChange={(_event, value) => setToken(value.trim())}
                />
              </FormGroup>
              <Button type="submit" isBlock isLoading={signIn.isPending} isDisabled={token === '' || signIn.isPending}>
                {texts.submit}
              </Button>
            </Form>
            <Alert variant="info" isInline isPlain component="h2" title={texts.link}>
              <Content component="p">
                {texts.linkDetail} <code>{texts.tokenFile}</code> {texts.tokenFilePlace}
              </Content>
            </Alert>
          </CardBody>
        </Card>
      </Bullseye>
    </main>
  );
}
