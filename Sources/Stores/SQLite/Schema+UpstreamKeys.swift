extension Schema {
    /// Keys for upstreams that all callers share, and changes of upstream keys in `changes`: there, `user_id`
    /// 0 stands for the shared ones.
    ///
    /// Why copied there and back: a table that is renamed would take along the triggers that mention it.
    /// Why the sequence too: an id is never given twice. A key whose owner is not there any more is left out:
    /// nobody could use it, and the foreign key would refuse it.
    static let third = """
        CREATE TABLE upstream_keys_before AS SELECT * FROM upstream_keys;
        CREATE TABLE upstream_keys_sequence AS SELECT seq FROM sqlite_sequence WHERE name = 'upstream_keys';
        DROP TABLE upstream_keys;
        CREATE TABLE upstream_keys (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id INTEGER REFERENCES users (id) ON DELETE CASCADE CHECK (user_id <> 0), -- NULL: of all callers
            name TEXT NOT NULL, -- model, provider/model, provider or `default`
            key_encrypted BLOB NOT NULL,
            master_key_id TEXT, -- what it is sealed with; NULL: not sealed
            source TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            last_validated INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX upstream_keys_by_owner ON upstream_keys (coalesce(user_id, 0), name);
        CREATE INDEX upstream_keys_by_user ON upstream_keys (user_id);
        INSERT INTO upstream_keys
        SELECT id, user_id, name, key_encrypted, master_key_id, source, created_at, updated_at, last_validated
        FROM upstream_keys_before
        WHERE user_id <> 0 AND EXISTS (SELECT 1 FROM users WHERE users.id = user_id);
        DELETE FROM sqlite_sequence WHERE name = 'upstream_keys';
        INSERT INTO sqlite_sequence (name, seq) SELECT 'upstream_keys', seq FROM upstream_keys_sequence;
        DROP TABLE upstream_keys_before;
        DROP TABLE upstream_keys_sequence;

        CREATE TRIGGER upstream_keys_replaced_by_insert BEFORE INSERT ON upstream_keys BEGIN
            INSERT INTO changes (user_id) SELECT coalesce(user_id, 0) FROM upstream_keys WHERE id = NEW.id;
        END;
        CREATE TRIGGER upstream_keys_replaced_by_update BEFORE UPDATE OF id ON upstream_keys BEGIN
            INSERT INTO changes (user_id) SELECT coalesce(user_id, 0) FROM upstream_keys
            WHERE id = NEW.id AND id <> OLD.id;
        END;
        CREATE TRIGGER upstream_keys_inserted AFTER INSERT ON upstream_keys BEGIN
            INSERT INTO changes (user_id) VALUES (coalesce(NEW.user_id, 0));
        END;
        CREATE TRIGGER upstream_keys_updated
        AFTER UPDATE OF id, user_id, name, key_encrypted, master_key_id, source ON upstream_keys BEGIN
            INSERT INTO changes (user_id) SELECT coalesce(OLD.user_id, 0) WHERE OLD.user_id IS NOT NEW.user_id;
            INSERT INTO changes (user_id) VALUES (coalesce(NEW.user_id, 0));
        END;
        CREATE TRIGGER upstream_keys_deleted AFTER DELETE ON upstream_keys BEGIN
            INSERT INTO changes (user_id) VALUES (coalesce(OLD.user_id, 0));
        END;

        DROP TRIGGER users_inserted;
        DROP TRIGGER users_moved;
        CREATE TRIGGER users_inserted AFTER INSERT ON users BEGIN
            INSERT INTO changes (user_id) VALUES (NEW.id);
            \(deletionOfLeftovers)
        END;
        CREATE TRIGGER users_moved AFTER UPDATE OF public_id, username, email, telegram_id ON users BEGIN
            INSERT INTO changes (user_id) VALUES (NEW.id);
            \(deletionOfLeftovers)
        END;
        """

    /// Keys of users who have just been replaced: the changes before the last one of the new user name them.
    ///
    /// Why counted from there: each key that is deleted is a change of its own. Why so many: one row replaces
    /// five others at most, and is itself noted twice.
    private static let deletionOfLeftovers = ["keys", "upstream_keys"].map { table in
        """
        DELETE FROM \(table) WHERE user_id IN (
                SELECT user_id FROM changes WHERE sequence > (
                    SELECT sequence FROM changes WHERE user_id = NEW.id ORDER BY sequence DESC LIMIT 1
                ) - 8
            ) AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = \(table).user_id);
        """
    }.joined(separator: "\n    ")
}
