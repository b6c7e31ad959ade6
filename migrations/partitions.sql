-- A piece is reached through its parent only: nobody is granted anything on it, and its own rows are walled too, but for the
-- owner's upkeep.
create function platform.close_partition(piece text) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', piece::regclass);
  execute format('alter table %s force row level security', piece::regclass);
  execute format('create policy upkeep on %s to %I using (true) with check (true)', piece::regclass, current_user);
end $$;

-- Make the missing pieces of one table between two instants. Rows that already fell into the default piece move over.
create function platform.make_partitions(parent text, since timestamptz, until timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare
  cut record; piece text; lower_bound timestamptz; upper_bound timestamptz; key text; made int := 0; late boolean;
begin
  select * into strict cut from platform.partitioned_tables t where t.table_name = parent;
  select a.attname into strict key from pg_partitioned_table p
    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] where p.partrelid = parent::regclass;
  lower_bound := date_trunc(cut.step, since);
  while lower_bound <= until loop
    upper_bound := lower_bound + ('1 ' || cut.step)::interval;
    piece := parent || to_char(lower_bound, case cut.step when 'day' then '"_y"YYYY"m"MM"d"DD' else '"_y"YYYY"m"MM' end);
    if to_regclass(piece) is null then
      execute format('select exists (select from %s_default where %I >= %L and %I < %L)', parent, key, lower_bound, key, upper_bound)
        into late;
      if late then
        execute format('create table %s (like %s including all)', piece, parent);
        execute format('with moved as (delete from %s_default where %I >= %L and %I < %L returning *) insert into %s select * from moved',
          parent, key, lower_bound, key, upper_bound, piece);
        execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, piece, lower_bound, upper_bound);
      else
        execute format('create table %s partition of %s for values from (%L) to (%L)', piece, parent, lower_bound, upper_bound);
      end if;
      perform platform.close_partition(piece);
      made := made + 1;
    end if;
    lower_bound := upper_bound;
  end loop;
  return made;
end $$;

-- Make what every table needs ahead of this instant.
create function platform.make_all_partitions(at timestamptz) returns int
language sql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
  select coalesce(sum(platform.make_partitions(table_name, at, at + ahead)), 0)::int from platform.partitioned_tables
$$;

-- Drop the pieces that ended before their table's retention, except those under a legal hold. Answers their names.
create function platform.drop_old_partitions(at timestamptz) returns setof text
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare piece record;
begin
  for piece in
    select c.oid::regclass::text as name
    from platform.partitioned_tables t
    join pg_inherits i on i.inhparent = t.table_name::regclass
    join pg_class c on c.oid = i.inhrelid
    cross join lateral substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)') as upper_bound
    where t.retention is not null and upper_bound is not null and upper_bound::timestamptz < at - t.retention
      and not exists (
        select from platform.partition_retention_overrides o
        where o.partition_name = c.oid::regclass::text and (o.expires_at is null or o.expires_at > at))
  loop
    execute format('drop table %s', piece.name);
    return next piece.name;
  end loop;
end $$;

revoke execute on all functions in schema platform from public;
grant execute on function platform.make_partitions(text, timestamptz, timestamptz), platform.make_all_partitions(timestamptz),
  platform.drop_old_partitions(timestamptz) to steading_sweep;
