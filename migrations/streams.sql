-- Rows that came before their piece was there (a sensor that was silent for a month hands in what it kept) get one. Answers how
-- many pieces were made for them.
create function platform.sort_default_pieces() returns int
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare cut record; key text; period timestamptz; made int := 0;
begin
  for cut in select * from platform.partitioned_tables loop
    select a.attname into strict key from pg_partitioned_table p
      join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] where p.partrelid = cut.table_name::regclass;
    for period in execute format('select distinct date_trunc(%L, %I) from %s_default', cut.step, key, cut.table_name) loop
      made := made + platform.make_partitions(cut.table_name, period, period);
    end loop;
  end loop;
  return made;
end $$;

-- Every piece of every stream: what it holds from when until before when, and how large it is with its indexes.
create function platform.stream_pieces() returns table (
  table_name text, piece text, since timestamptz, until timestamptz, size_bytes bigint, row_estimate bigint)
language sql stable security definer set search_path = pg_catalog set timezone = 'UTC' as $$
  select t.table_name, c.oid::regclass::text, lower_bound::timestamptz, upper_bound::timestamptz, pg_total_relation_size(c.oid),
    greatest(c.reltuples, 0)::bigint
  from platform.partitioned_tables t
  join pg_inherits i on i.inhparent = t.table_name::regclass
  join pg_class c on c.oid = i.inhrelid
  cross join lateral substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''([^'']+)''\)') as lower_bound
  cross join lateral substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)') as upper_bound
$$;

-- What is wrong with the streams: the piece of this period or of the next one is missing, or what is written now falls into the
-- default piece.
create function platform.stream_troubles(at timestamptz) returns table (table_name text, trouble text, piece text)
language plpgsql stable security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare cut record; key text; period timestamptz; named text; stray boolean;
begin
  for cut in select * from platform.partitioned_tables order by 1 loop
    foreach period in array array[date_trunc(cut.step, at), date_trunc(cut.step, at) + ('1 ' || cut.step)::interval] loop
      named := cut.table_name || to_char(period, case cut.step when 'day' then '"_y"YYYY"m"MM"d"DD' else '"_y"YYYY"m"MM' end);
      if to_regclass(named) is null then
        table_name := cut.table_name; trouble := 'missing'; piece := named;
        return next;
      end if;
    end loop;
    select a.attname into strict key from pg_partitioned_table p
      join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] where p.partrelid = cut.table_name::regclass;
    execute format('select exists (select from %s_default where %I >= %L)', cut.table_name, key, date_trunc(cut.step, at)) into stray;
    if stray then
      table_name := cut.table_name; trouble := 'stray'; piece := cut.table_name || '_default';
      return next;
    end if;
  end loop;
end $$;

revoke execute on function platform.sort_default_pieces(), platform.stream_pieces(), platform.stream_troubles(timestamptz) from public;
grant execute on function platform.sort_default_pieces() to steading_sweep;
grant execute on function platform.stream_pieces(), platform.stream_troubles(timestamptz) to steading_sweep, steading_app;

-- Whoever runs the installation places and lifts legal holds from a screen.
grant insert, delete on platform.partition_retention_overrides to steading_app;
