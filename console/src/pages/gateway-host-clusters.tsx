import { Button, Card, CardBody, CardTitle, ClipboardCopy, Content } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useInfiniteQuery } from '@tanstack/react-query';
import { hostClustersQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { actTexts } from '../texts/acts.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { DataTable } from '../ui/data-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';

const texts = gatewayTexts.hostClusters;

/** The clusters that were created through this gateway. */
export function GatewayHostClusters() {
  const address = useGatewayAddress();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(hostClustersQuery(address));
  if (data === undefined) return error === null ? <Loading /> : <ProblemAlert error={error} />;
  const clusters = data.pages.flatMap((page) => page.items);
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail}</Content>
        {clusters.length === 0 ? (
          <>
            <p>{texts.none}</p>
            <p>{texts.how}</p>
            <ClipboardCopy
              isReadOnly
              isCode
              hoverTip={actTexts.copy}
              clickTip={actTexts.copied}
              className="console-command"
            >
              {`npx gatehouse host-cluster create NAME --namespace NAMESPACE --gateway ${address.gateway}`}
            </ClipboardCopy>
          </>
        ) : (
          <DataTable aria-label={texts.title} gridBreakPoint="grid-md">
            <Thead>
              <Tr>
                <Th>{texts.name}</Th>
                <Th>{texts.namespace}</Th>
                <Th>{texts.created}</Th>
              </Tr>
            </Thead>
            <Tbody>
              {clusters.map((cluster) => (
                <Tr key={cluster.id}>
                  <Td dataLabel={texts.name} modifier="breakWord">
                    {cluster.name}
                  </Td>
                  <Td dataLabel={texts.namespace} modifier="breakWord">
                    {cluster.namespace}
                  </Td>
                  <Td dataLabel={texts.created}>
                    <Instant at={cluster.createdAt} />
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </DataTable>
        )}
        {hasNextPage ? (
          <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {texts.more}
          </Button>
        ) : null}
      </CardBody>
    </Card>
  );
}
