/// The tables of a store, as a list of migrations: the n-th leads from schema n - 1 to schema n. A migration
/// that has been released never changes.
///
/// `PRAGMA user_version` holds the number, `PRAGMA application_id` says that the file is one of headgate's.
enum Schema {
    /// `hgat`.
    static let applicationID: Int64 = 0x6867_6174

    static let migrations = [first, second, third]

    /// Times are seconds since 1970, UTC.
    ///
    /// Why triggers for `changes`: whoever edits the file, this program or the `sqlite3` shell, is followed.
    /// Why they delete what a user leaves: the shell does not enforce foreign keys unless it is told to.
    /// Why some look before: a row that goes by REPLACE fires no DELETE trigger
    /// (<https://sqlite.org/lang_conflict.html>). They note what may go and delete nothing, because a
    /// statement that says IGNORE keeps what they did and not its own row.
    /// Uses are no change: they are counted many times a second and nobody has to act on them.
    private static let first = """
        CREATE TABLE users (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            public_id TEXT NOT NULL UNIQUE,
            username TEXT UNIQUE, -- also without case, by users_by_name
            email TEXT UNIQUE COLLATE NOCASE,
            telegram_id TEXT UNIQUE,
            hashed_password TEXT, -- bcrypt; NULL: cannot log in
            is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            CHECK (coalesce(username, email, telegram_id) IS NOT NULL)
        ) STRICT;
        CREATE UNIQUE INDEX users_by_name ON users (username COLLATE NOCASE);

        CREATE TABLE keys (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            public_id TEXT NOT NULL UNIQUE,
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('key', 'session')),
            name TEXT NOT NULL,
            shown_prefix TEXT NOT NULL,
            digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32), -- SHA-256 of the credential
            rate_limit INTEGER CHECK (rate_limit > 0), -- requests per minute; NULL: the configured one
            models TEXT, -- one per line; NULL: every model
            metadata TEXT, -- the operator's own
            expires_at INTEGER,
            revoked_at INTEGER, -- may lie in the future
            is_active INTEGER GENERATED ALWAYS AS (revoked_at IS NULL) VIRTUAL,
            usage_count INTEGER NOT NULL DEFAULT 0,
            last_used_at INTEGER,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX keys_by_user ON keys (user_id);
        CREATE INDEX sessions_by_expiry ON keys (expires_at) WHERE kind = 'session';

        CREATE TABLE upstream_keys (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            name TEXT NOT NULL, -- model, provider/model, provider or `default`
            key_encrypted BLOB NOT NULL,
            master_key_id TEXT, -- what it is sealed with; NULL: not sealed
            source TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            last_validated INTEGER,
            UNIQUE (user_id, name)
        ) STRICT;

        -- What whoever keeps the keys in memory has to look at again; the last \(changesMax) rows.
        CREATE TABLE changes (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            key_id INTEGER,
            user_id INTEGER,
            gone_digest BLOB
        ) STRICT;
        CREATE TRIGGER changes_bounded AFTER INSERT ON changes BEGIN
            DELETE FROM changes WHERE sequence <= NEW.sequence - \(changesMax);
        END;

        CREATE TRIGGER keys_replaced_by_insert BEFORE INSERT ON keys BEGIN
            INSERT INTO changes (gone_digest) SELECT digest FROM keys
            WHERE id = NEW.id OR public_id = NEW.public_id OR digest = NEW.digest;
        END;
        CREATE TRIGGER keys_replaced_by_update BEFORE UPDATE OF id, public_id, digest ON keys BEGIN
            INSERT INTO changes (gone_digest) SELECT digest FROM keys
            WHERE (id = NEW.id OR public_id = NEW.public_id OR digest = NEW.digest) AND id <> OLD.id;
        END;
        CREATE TRIGGER keys_inserted AFTER INSERT ON keys BEGIN
            INSERT INTO changes (key_id) VALUES (NEW.id);
        END;
        CREATE TRIGGER keys_updated
        AFTER UPDATE OF id, user_id, kind, name, digest, rate_limit, models, expires_at, revoked_at ON keys BEGIN
            INSERT INTO changes (gone_digest) SELECT OLD.digest WHERE OLD.digest <> NEW.digest;
            INSERT INTO changes (key_id) VALUES (NEW.id);
        END;
        CREATE TRIGGER keys_deleted AFTER DELETE ON keys BEGIN
            INSERT INTO changes (gone_digest) VALUES (OLD.digest);
        END;
        CREATE TRIGGER users_replaced_by_insert BEFORE INSERT ON users BEGIN
            INSERT INTO changes (user_id) SELECT id FROM users
            WHERE id = NEW.id OR public_id = NEW.public_id OR username = NEW.username COLLATE NOCASE
                OR email = NEW.email OR telegram_id = NEW.telegram_id;
        END;
        CREATE TRIGGER users_replaced_by_update
        BEFORE UPDATE OF public_id, username, email, telegram_id ON users BEGIN
            INSERT INTO changes (user_id) SELECT id FROM users
            WHERE id <> OLD.id AND (public_id = NEW.public_id OR username = NEW.username COLLATE NOCASE
                OR email = NEW.email OR telegram_id = NEW.telegram_id);
        END;
        CREATE TRIGGER users_keep_ids BEFORE UPDATE OF id ON users WHEN NEW.id <> OLD.id BEGIN
            SELECT RAISE(ABORT, 'the id of a user never changes');
        END;
        CREATE TRIGGER users_inserted AFTER INSERT ON users BEGIN
            INSERT INTO changes (user_id) VALUES (NEW.id);
            \(deletionOfLeftovers)
        END;
        CREATE TRIGGER users_moved AFTER UPDATE OF public_id, username, email, telegram_id ON users BEGIN
            \(deletionOfLeftovers)
        END;
        CREATE TRIGGER users_updated AFTER UPDATE ON users BEGIN
            INSERT INTO changes (user_id) VALUES (NEW.id);
        END;
        CREATE TRIGGER users_deleted AFTER DELETE ON users BEGIN
            INSERT INTO changes (user_id) VALUES (OLD.id);
            DELETE FROM keys WHERE user_id = OLD.id;
            DELETE FROM upstream_keys WHERE user_id = OLD.id;
        END;
        """

    /// What callers have used, and the counts of limits by day and month.
    ///
    /// Why no reference to users and keys: what was used stays so when they are gone, and they may be those
    /// of another store. Why no triggers: neither is a change of who may come in.
    private static let second = """
        CREATE TABLE usage (
            day INTEGER NOT NULL, -- days since 1970-01-01, UTC
            auth TEXT NOT NULL, -- entry of `auth`
            caller TEXT NOT NULL, -- as in the access log
            key_id INTEGER NOT NULL, -- 0: none
            user_id INTEGER NOT NULL, -- 0: none
            model TEXT NOT NULL,
            upstream TEXT NOT NULL,
            requests INTEGER NOT NULL CHECK (requests >= 0),
            failures INTEGER NOT NULL CHECK (failures >= 0),
            input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
            output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
            cached_input_tokens INTEGER NOT NULL CHECK (cached_input_tokens >= 0), -- within input_tokens
            nano_usd INTEGER NOT NULL CHECK (nano_usd >= 0), -- billionths of a US dollar
            estimated INTEGER NOT NULL CHECK (estimated >= 0), -- requests whose tokens nobody reported
            PRIMARY KEY (day, auth, caller, key_id, user_id, model, upstream)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE ledger (
            measure TEXT NOT NULL, -- per-key/tokens_per_day/by=key
            subject BLOB NOT NULL CHECK (length(subject) = 16),
            state BLOB NOT NULL,
            updated_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL, -- from then on it counts nothing
            PRIMARY KEY (measure, subject)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX ledger_by_expiry ON ledger (expires_at);
        """

    /// Keys of users who have just been replaced: the last changes name them. Why so many: one row replaces
    /// five others at most, and is itself noted twice.
    private static let deletionOfLeftovers = ["keys", "upstream_keys"].map { table in
        """
        DELETE FROM \(table) WHERE user_id IN (
                SELECT user_id FROM changes WHERE sequence > (SELECT max(sequence) FROM changes) - 8
            ) AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = \(table).user_id);
        """
    }.joined(separator: "\n    ")

    /// Rows of `changes` that are kept. Whoever has missed more reads everything, which takes a fraction of a
    /// second for 100,000 keys.
    private static let changesMax = 10_000
}

extension Schema {
    /// Where a file stands.
    enum State: Equatable {
        /// Nothing is in it.
        case empty
        case foreign
        case version(Int)
    }

    static func state(of database: Database) throws(StoreError) -> State {
        let version = try database.integer("PRAGMA user_version") ?? 0
        let application = try database.integer("PRAGMA application_id") ?? 0
        if application == applicationID { return .version(Int(version)) }
        let objects = try database.integer("SELECT count(*) FROM sqlite_schema") ?? 0
        return version == 0 && application == 0 && objects == 0 ? .empty : .foreign
    }

    /// Runs what is missing, each migration in a transaction of its own.
    /// - Returns: the schema that was there before; nil: the file was empty.
    /// - Throws: `.notAStore`, `.schemaTooNew`.
    static func migrate(
        _ database: Database, by migrations: [String] = migrations
    ) throws(StoreError) -> Int? {
        let before = try version(of: database, knownMax: migrations.count)
        var next = before ?? 0
        while next < migrations.count {
            next = try database.transaction { () throws(StoreError) -> Int in
                // Why asked again: another process may have migrated while this one waited for the lock.
                let found = try version(of: database, knownMax: migrations.count) ?? 0
                guard found < migrations.count else { return found }
                try database.script(migrations[found])
                try database.script("PRAGMA application_id = \(applicationID)")
                try database.script("PRAGMA user_version = \(found + 1)")
                return found + 1
            }
        }
        return before
    }

    private static func version(
        of database: Database, knownMax: Int
    ) throws(StoreError) -> Int? {
        switch try state(of: database) {
        case .empty: return nil
        case .foreign: throw .notAStore(path: database.path)
        case .version(let found):
            guard found <= knownMax else { throw .schemaTooNew(found: found, known: knownMax) }
            return found
        }
    }
}
