-- The tenant whose event it is, of functions that isolate their tenants.
ALTER TABLE events ADD COLUMN tenant_id TEXT;
