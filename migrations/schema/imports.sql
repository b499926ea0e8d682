-- Imports: mutuelles that come from paper.

-- A household of the paper register as its line stood there when it was imported: never changed, whatever came after.
create table register_line (
    mutuelle_id text collate "C" not null,
    register_number text collate "C" not null check (register_number ~ '^[0-9A-Z][0-9A-Z/-]{0,19}$'),
    number text collate "C" not null,
    said jsonb not null check (jsonb_typeof(said) = 'object'),
    imported_at timestamptz not null,
    primary key (mutuelle_id, register_number),
    unique (mutuelle_id, number),
    foreign key (mutuelle_id, number) references household
);
grant select, insert on register_line to service;
