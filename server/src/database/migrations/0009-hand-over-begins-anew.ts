import { type Kysely, sql } from 'kysely';

/**
 * An agent that enrols anew begins to count its hand-overs from 0. Apart from that the number only rises, as the
 * generation does always.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create or replace function refuse_lower_generation() returns trigger language plpgsql as $$
   begin
     if new.generation < old.generation
        or (new.hand_over_number < old.hand_over_number and new.hand_over_number <> 0) then
       raise exception 'generation and hand-over number of a gateway only rise';
     end if;
     return new;
   end $$`,
    )
    .execute(db);
}
