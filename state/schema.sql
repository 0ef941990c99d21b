-- The newest schema of awayd.db. A new database is made from this file alone;
-- an older one is brought here by the list in migrate.go, and a test holds that
-- both ways end the same.
--
-- Instants are microseconds since 1970-01-01T00:00:00Z, NULL for "never".
-- Durations are nanoseconds. Sealed columns hold age files (seal.go), an empty
-- blob for an empty secret.

-- Which key the sealed columns want; one row.
CREATE TABLE seal (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    fingerprint TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
    jid      TEXT PRIMARY KEY NOT NULL,
    mode     TEXT NOT NULL CHECK (mode IN ('auto', 'paused')),
    password BLOB NOT NULL, -- sealed
    address  TEXT NOT NULL,
    tls_ca   TEXT NOT NULL,
    settings TEXT NOT NULL, -- JSON of storedSettings
    linked   INTEGER
) STRICT;

-- AUTOINCREMENT: the id of a forgotten calendar never names another one, so a
-- poll that was under way cannot land in the wrong place.
CREATE TABLE calendars (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    url         BLOB NOT NULL, -- sealed: the URL of a feed is its password
    login       TEXT NOT NULL,
    password    BLOB NOT NULL, -- sealed
    tls_ca      TEXT NOT NULL,
    every_event INTEGER NOT NULL,
    zone        TEXT NOT NULL,
    cursor      TEXT NOT NULL,
    last_poll   INTEGER,
    last_ok     INTEGER,
    error       TEXT NOT NULL
) STRICT;
CREATE INDEX calendars_account ON calendars (account);

-- href and etag are outside the JSON because they are opaque bytes, which JSON
-- would rewrite where they are not UTF-8.
CREATE TABLE objects (
    calendar INTEGER NOT NULL REFERENCES calendars (id) ON DELETE CASCADE,
    href     TEXT NOT NULL,
    etag     TEXT NOT NULL,
    missing  INTEGER NOT NULL,
    object   TEXT NOT NULL, -- JSON of absence.Object
    PRIMARY KEY (calendar, href)
) STRICT;
CREATE INDEX objects_missing ON objects (calendar) WHERE missing;

CREATE TABLE journals (
    account TEXT PRIMARY KEY NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE,
    journal TEXT NOT NULL -- JSON of plan.Journal without its hashes
) STRICT;

-- The hashes of the payloads that may be on the node.
CREATE TABLE sent (
    account TEXT NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE,
    hash    TEXT NOT NULL,
    at      INTEGER,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE observed (
    account  TEXT PRIMARY KEY NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE,
    observed TEXT NOT NULL, -- JSON of plan.Observed
    at       INTEGER
) STRICT;

CREATE TABLE suppressions (
    account     TEXT NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE,
    uid         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    until       INTEGER,
    PRIMARY KEY (account, uid, fingerprint)
) STRICT, WITHOUT ROWID;

-- What somebody was told about each cause of trouble.
CREATE TABLE notices (
    account TEXT NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE,
    cause   TEXT NOT NULL,
    since   INTEGER,
    told    INTEGER,
    ended   INTEGER,
    open    INTEGER NOT NULL,
    PRIMARY KEY (account, cause)
) STRICT, WITHOUT ROWID;

-- The log outlives the account it tells about.
CREATE TABLE log (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    time     INTEGER,
    account  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    reason   TEXT NOT NULL,
    period   TEXT NOT NULL,
    uid      TEXT NOT NULL,
    duration INTEGER NOT NULL,
    error    TEXT NOT NULL
) STRICT;
CREATE INDEX log_account ON log (account, id);
CREATE INDEX log_time ON log (time);
