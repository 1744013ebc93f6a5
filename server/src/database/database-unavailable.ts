/** There is no database to work with. The message is one line that ends with what to do. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';

  constructor(why: string, options?: ErrorOptions) {
    super(`Gatehouse cannot start its own PostgreSQL: ${why}. Set DATABASE_URL to a PostgreSQL 15 or newer.`, options);
  }
}
