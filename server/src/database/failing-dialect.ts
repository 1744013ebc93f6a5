/**
 * Fail points of what is persisted: before and after each commit, and each write that is a transaction of its own. Laid
 * around the driver, which is the one door to the database, and only where there are fail points.
 */

import { aroundIt, type FailPoints } from '@gatehouse/release/fail-point';
import type { CompiledQuery, DatabaseConnection, Dialect, Driver } from 'kysely';

/** `workUnderWay` names what is being done. */
export function withFailPoints(dialect: Dialect, points: FailPoints, workUnderWay: () => string): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () =>
      failingDriver(dialect.createDriver(), (persist) => {
        const name = workUnderWay();
        return aroundIt(points, `${name}.persist`, persist);
      }),
  };
}

type Around = <T>(persist: () => Promise<T>) => Promise<T>;

function failingDriver(driver: Driver, around: Around): Driver {
  /** Of what is handed out, what the driver knows. */
  const known = new Map<DatabaseConnection, DatabaseConnection>();
  const inTransaction = new Set<DatabaseConnection>();
  const own = (connection: DatabaseConnection): DatabaseConnection => {
    const found = known.get(connection);
    if (found === undefined) throw new Error('a connection came back that was never handed out');
    return found;
  };
  return {
    init: (options) => driver.init(options),
    async acquireConnection(options) {
      const connection = await driver.acquireConnection(options);
      const handedOut: DatabaseConnection = {
        executeQuery: (query, more) =>
          inTransaction.has(handedOut) || !isWrite(query)
            ? connection.executeQuery(query, more)
            : around(() => connection.executeQuery(query, more)),
        streamQuery: (query, chunkSize, more) => connection.streamQuery(query, chunkSize, more),
      };
      known.set(handedOut, connection);
      return handedOut;
    },
    async beginTransaction(connection, settings) {
      await driver.beginTransaction(own(connection), settings);
      inTransaction.add(connection);
    },
    async commitTransaction(connection) {
      await around(() => driver.commitTransaction(own(connection)));
      inTransaction.delete(connection);
    },
    async rollbackTransaction(connection) {
      inTransaction.delete(connection);
      await driver.rollbackTransaction(own(connection));
    },
    async releaseConnection(connection, options) {
      const back = own(connection);
      known.delete(connection);
      inTransaction.delete(connection);
      await driver.releaseConnection(back, options);
    },
    destroy: (options) => driver.destroy(options),
  };
}

/** Whatever is not surely a read. What begins and ends a transaction is a statement too, and none of these. */
function isWrite({ query, sql }: CompiledQuery): boolean {
  return query.kind === 'RawNode'
    ? !/^\s*(select|show|begin|start|commit|rollback)\b/i.test(sql)
    : query.kind !== 'SelectQueryNode';
}
