import { executeSql } from './execute-sql.ts';

/** Ends a VM as a reconciler does at the end of a deletion, where there is none: with its DELETED event. */
export async function removeVmRow(databaseUrl: string, id: string): Promise<void> {
  await executeSql(
    databaseUrl,
    `with owner as (
       update account set event_seq = event_seq + 1 where user_id = (select user_id from vm where id = '${id}')
       returning user_id, event_seq
     ), told as (
       insert into vm_event (user_id, seq, vm_id, kind, status)
       select user_id, event_seq, '${id}', 'DELETED', 'DELETED' from owner
     ), removed as (
       delete from vm where id = '${id}'
     )
     select pg_notify('vm_event', json_build_array(user_id, '${id}')::text) from owner`,
  );
}
