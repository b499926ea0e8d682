-- Every definition and every right of the database as two texts: `thing` is what it is, `said` how it is defined.
-- Nothing in it depends on the server's version, on an installation's names of roles, or on who asks: the owner of the
-- schema `ledger` is `owner`, a role that may post is `service`, any other role keeps its name. What an extension of a
-- superuser brought is the server's. `shipped.txt` is what this answers of a database just migrated.
with recursive owner as (
    select nspowner as oid from pg_namespace where nspname = 'ledger'
), service as ( -- several may post only where somebody forged: then it is the one who asks
    select r.oid
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'ledger'
     cross join lateral aclexplode(p.proacl) a
      join pg_roles r on r.oid = a.grantee
     where p.proname = 'post' and a.grantee <> p.proowner and not r.rolsuper
     order by r.rolname <> current_user, r.rolname limit 1
), role as (
    select r.oid, r.rolname, r.rolsuper,
           case r.oid when (select oid from owner) then 'owner' when (select oid from service) then 'service'
                      else 'role ' || quote_ident(r.rolname) end as called from pg_roles r
    union all select 0, 'public', false, 'public'
), schema as (
    select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n
     where n.nspname in ('public', 'ledger')
        or n.nspowner = (select oid from owner) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
), lent as (
    select d.classid, d.objid
      from pg_depend d
      join pg_extension e on e.oid = d.refobjid
      join pg_roles r on r.oid = e.extowner and r.rolsuper
     where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
), relation as (
    select c.*, format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
       and (n.oid in (select oid from schema) or c.relowner = (select oid from owner) and n.nspname !~ '^pg_'
            and n.nspname <> 'information_schema')
       and not exists (select from lent where classid = 'pg_class'::regclass and objid = c.oid)
), routine as (
    select p.*, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where (n.oid in (select oid from schema) or p.proowner = (select oid from owner) and n.nspname !~ '^pg_'
            and n.nspname <> 'information_schema')
       and not exists (select from lent where classid = 'pg_proc'::regclass and objid = p.oid)
), definition (thing, said) as (
    select format('schema %I', s.nspname),
           case when s.nspname = 'public' and (o.rolsuper or o.rolname = 'pg_database_owner') then 'of the server'
                else 'of ' || o.called end
      from schema s join role o on o.oid = s.nspowner
    union all
    select format('relation %s', r.name),
           concat_ws(' ', 'kind', r.relkind, 'persistence', r.relpersistence, 'of', o.called,
           case when r.relrowsecurity then 'row security' end, case when r.relforcerowsecurity then 'forced' end,
           (select 'under ' || string_agg(i.inhparent::regclass::text, ' ' order by i.inhseqno) from pg_inherits i
             where i.inhrelid = r.oid),
           array_to_string(array(select unnest(r.reloptions) order by 1), ' '))
      from relation r join role o on o.oid = r.relowner
    union all
    select format('column %s.%I', r.name, a.attname),
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), case when a.attcollation <> t.typcollation then
                     (select format('collate %I', l.collname) from pg_collation l where l.oid = a.attcollation) end,
                     case when a.attnotnull then 'not null' end,
                     case a.attidentity when '' then null else 'identity ' || a.attidentity::text end,
                     case a.attgenerated when '' then 'default' else 'generated ' || a.attgenerated::text end
                         || ' ' || pg_get_expr(d.adbin, d.adrelid))
      from relation r
      join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
     where r.relkind <> 'S'
    union all
    select format('view %s %s PostgreSQL 16', r.name, -- which writes some otherwise than those before it
                  case when current_setting('server_version_num')::int < 160000 then 'before' else 'since' end),
           pg_get_viewdef(r.oid)
      from relation r where r.relkind in ('v', 'm')
    union all
    select format('rule %I on %s', w.rulename, r.name), pg_get_ruledef(w.oid)
      from relation r join pg_rewrite w on w.ev_class = r.oid where w.rulename <> '_RETURN'
    union all
    select format('trigger %I on %s', t.tgname, r.name), pg_get_triggerdef(t.oid) || ', fires ' || t.tgenabled::text
      from relation r join pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
    union all
    select format('trigger of %I on %s', c.conname, r.name),
           'fires ' || string_agg(t.tgenabled::text, '' order by t.tgtype)
      from relation r join pg_trigger t on t.tgrelid = r.oid join pg_constraint c on c.oid = t.tgconstraint
     where t.tgisinternal and t.tgenabled <> 'O' group by c.conname, r.name
    union all
    select format('constraint %I on %s', c.conname, coalesce(r.name, format_type(c.contypid, null))),
           pg_get_constraintdef(c.oid) || case when c.convalidated then '' else ', not validated' end
      from pg_constraint c
      left join relation r on r.oid = c.conrelid
     where (r.oid is not null or c.connamespace in (select oid from schema) and c.contypid <> 0)
       and c.contype <> 't' and (c.contype <> 'n' or not c.convalidated)
    union all
    select format('index %I on %s', i.relname, r.name), pg_get_indexdef(x.indexrelid)
           || case when x.indisvalid and x.indisready and x.indislive then '' else ', not valid' end
      from relation r join pg_index x on x.indrelid = r.oid join pg_class i on i.oid = x.indexrelid
     where x.indisunique or x.indisexclusion
    union all
    select format('policy %I on %s', p.polname, r.name), concat_ws(' ', p.polcmd, p.polpermissive,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
      from relation r join pg_policy p on p.polrelid = r.oid
    union all
    select format('function %s', p.name), concat_ws(' ', 'kind', p.prokind, 'language', l.lanname, 'returns',
           pg_get_function_result(p.oid), 'arguments', md5(pg_get_function_arguments(p.oid)), p.provolatile, 'parallel',
           p.proparallel, case when p.prosecdef then 'security definer' end, case when p.proisstrict then 'strict' end,
           case when p.proleakproof then 'leakproof' end, 'of', o.called, array_to_string(p.proconfig, ' '),
           'body', encode(sha256(convert_to(p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), ''), 'UTF8')), 'hex'))
      from routine p join pg_language l on l.oid = p.prolang join role o on o.oid = p.proowner
    union all
    select format('type %I.%I', s.nspname, t.typname),
           concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod))
      from pg_type t join schema s on s.oid = t.typnamespace
     where t.typrelid = 0 and t.typelem = 0
       and not exists (select from lent where classid = 'pg_type'::regclass and objid = t.oid)
    union all
    select format('operator %s', x.oid::regoperator), x.oprcode::text
      from pg_operator x join schema s on s.oid = x.oprnamespace
     where not exists (select from lent where classid = 'pg_operator'::regclass and objid = x.oid)
    union all
    select format('event trigger %I', t.evtname), t.evtfoid::regproc::text from pg_event_trigger t
     where not exists (select from lent where classid = 'pg_event_trigger'::regclass and objid = t.oid)
    union all
    select format('publication %I', pubname), 'of ' || o.called from pg_publication join role o on o.oid = pubowner
     where not o.rolsuper
    union all
    select format('extension %I', extname), 'of ' || o.called from pg_extension join role o on o.oid = extowner
     where not o.rolsuper
    union all
    select 'setting ' || split_part(setting, '=', 1), concat_ws(' ', split_part(setting, '=', 2), 'of', role.called,
           d.datname)
      from pg_db_role_setting
      left join pg_database d on d.oid = setdatabase
      left join role on role.oid = setrole and setrole <> 0
     cross join lateral unnest(setconfig) setting
     where (d.datname = current_database() or setdatabase = 0 and role.called in ('owner', 'service'))
       and lower(split_part(setting, '=', 1)) in (
           'search_path', 'role', 'session_authorization', 'session_replication_role', 'session_preload_libraries',
           'local_preload_libraries', 'row_security', 'transform_null_equals', 'quote_all_identifiers')
), given (what, acl, owner) as (
    select format('schema %I', nspname), nspacl, nspowner from schema
    union all select format('relation %s', name), relacl, relowner from relation
    union all select format('column %s.%I', r.name, a.attname), a.attacl, r.relowner
      from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum <> 0 and not a.attisdropped
    union all select format('function %s', name), coalesce(proacl, acldefault('f', proowner)), proowner from routine
    union all select format('type %I.%I', s.nspname, t.typname), t.typacl, t.typowner
      from pg_type t join schema s on s.oid = t.typnamespace
    union all select 'database', datacl, datdba from pg_database where datname = current_database()
    union all select format('setting %s', parname), paracl, 10 from pg_parameter_acl
    union all select concat_ws(' ', 'later objects', nullif(d.defaclnamespace, 0)::regnamespace, d.defaclobjtype),
           d.defaclacl, d.defaclrole from pg_default_acl d where d.defaclrole = (select oid from owner)
), right_given (what, role, said) as (
    select g.what, a.grantee, string_agg(distinct lower(a.privilege_type)
                                         || case when a.is_grantable then ' with grant option' else '' end, ', ')
      from given g cross join lateral aclexplode(g.acl) a
     where a.grantee <> g.owner and (g.what <> 'schema public' or a.privilege_type <> 'USAGE')
       and (g.what <> 'database' or a.privilege_type = 'CREATE')
     group by g.what, a.grantee
), outsider as ( -- whoever has a right without being the owner
    select r.* from role r
     where r.called <> 'owner' and r.oid in (select role from right_given where what <> 'schema public')
), belongs (member, group_role) as (
    select m.member, m.roleid from pg_auth_members m
    union
    select b.member, m.roleid from belongs b join pg_auth_members m on m.member = b.group_role
)
select thing, btrim(regexp_replace(said, '\s+', ' ', 'g')) as said, null as holder from definition
union all
select 'version', string_agg(version_num, ' '), null from alembic_version
union all
select format('right on %s to %s', g.what, r.called), g.said, r.called
  from right_given g join role r on r.oid = g.role and not r.rolsuper
 where not (g.what = 'schema public' and r.rolname = 'pg_database_owner')
union all
select format('attributes of %s', r.called), concat_ws(', ', case when p.rolcreaterole then 'createrole' end,
       case when p.rolsuper then 'superuser' end, case when p.rolcreatedb then 'createdb' end,
       case when p.rolreplication then 'replication' end, case when p.rolbypassrls then 'bypassrls' end), null
  from outsider r join pg_roles p on p.oid = r.oid
 where p.rolsuper or p.rolcreaterole or p.rolcreatedb or p.rolreplication or p.rolbypassrls
union all
select format('membership of %s', r.called), string_agg(g.called, ', ' order by g.called), null
  from belongs b join outsider r on r.oid = b.member join role g on g.oid = b.group_role
 where g.rolname not in ('pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables')
 group by r.called
