// Covers SQLiteFailure.swift, StoreError.swift
import Testing

@testable import Stores

@Suite struct DatabaseTests {
    private func memory() throws -> Database {
        let database = try Database.inMemory()
        try database.script("CREATE TABLE t (a, b)")
        return database
    }

    @Test(arguments: [
        Database.Value.null, .integer(0), .integer(.min), .integer(.max), .text(""),
        .text("ü\u{0}x'\"; DROP"),
        .blob([]), .blob([0, 1, 255]),
    ])
    func `what is bound comes back`(value: Database.Value) throws {
        let database = try memory()
        try database.run("INSERT INTO t VALUES (?1, typeof(?1))", [value])
        let back = try database.row("SELECT a, b FROM t") { row -> Database.Value in
            switch row.text(1) {
            case "null": row.integer(0).map { .integer($0) } ?? .null
            case "integer": .integer(row.number(0))
            case "text": .text(row.text(0))
            default: .blob(row.blob(0))
            }
        }
        #expect(back == value)
    }

    @Test func `NULL is nothing, zero and empty`() throws {
        let database = try memory()
        let isNothing = try database.row("SELECT NULL") {
            $0.integer(0) == nil && $0.optionalText(0) == nil && $0.number(0) == 0 && $0.text(0) == ""
                && $0.blob(0) == []
        }
        #expect(isNothing == true)
        #expect(try database.integer("SELECT a FROM t") == nil)
    }

    @Test func `a statement serves again, also after it has failed`() throws {
        let database = try memory()
        try database.script("CREATE UNIQUE INDEX u ON t (a)")
        let insert = "INSERT INTO t (a) VALUES (?)"
        #expect(try database.run(insert, [.integer(1)]) == 1)
        #expect(throws: StoreError.self) { try database.run(insert, [.integer(1)]) }
        #expect(try database.run(insert, [.integer(2)]) == 1)
        #expect(database.lastInsertedID == 2)
        #expect(try database.run("UPDATE t SET b = 1") == 2)
        // The table changes under a statement that stays prepared.
        let select = "SELECT * FROM t ORDER BY a"
        #expect(try database.rows(select) { $0.number(0) } == [1, 2])
        try database.script("ALTER TABLE t ADD COLUMN c")
        #expect(try database.rows(select) { $0.number(0) } == [1, 2])
    }

    @Test func `a transaction is all or nothing, and one within another is part of it`() throws {
        let database = try memory()
        func insert(failing: Bool) throws(StoreError) {
            try database.transaction { () throws(StoreError) in
                try database.run("INSERT INTO t (a) VALUES (1)")
                try database.transaction { () throws(StoreError) in
                    try database.run("INSERT INTO t (a) VALUES (2)")
                }
                if failing { throw .locked }
            }
        }
        #expect(throws: StoreError.locked) { try insert(failing: true) }
        #expect(try database.integer("SELECT count(*) FROM t") == 0)
        try insert(failing: false)
        #expect(try database.integer("SELECT count(*) FROM t") == 2)
    }

    @Test func `wrong SQL is told`() throws {
        let database = try memory()
        #expect(throws: StoreError.failed(":memory:: no such table: nope")) {
            try database.script("DELETE FROM nope")
        }
        #expect(throws: StoreError.failed(":memory:: no such table: nope")) {
            try database.run("DELETE FROM nope")
        }
    }

    /// Codes with their extended forms (<https://sqlite.org/rescode.html>).
    @Test(arguments: [
        (Int32(5), StoreError.locked), (517, .locked), (6, .locked), (262, .locked), (15, .locked),
        (13, .diskFull), (8, .readOnly), (264, .readOnly), (1544, .permissionDenied(path: "p")),
        (1032, .missing(path: "p")), (3, .permissionDenied(path: "p")),
        (26, .corrupt("it is not an SQLite file")), (11, .corrupt("database disk image is malformed")),
        (787, .notFound("such user")), (14, .failed("p: unable to open database file")),
        (266, .failed("p: disk I/O error")), (7, .failed("p: out of memory")),
    ])
    func `a result code says what is the matter`(code: Int32, expected: StoreError) {
        #expect(StoreError(code: code, of: nil, path: "p") == expected)
    }

    @Test func `what SQLite misses beside a file is not the file`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/app.db"
        #expect(StoreError(systemError: 2, path: path) == .missing(path: path))
        try Store.prepare(path)
        #expect(StoreError(systemError: 2, path: path) == .failed("\(path) cannot be opened"))
        #expect(StoreError(systemError: 30, path: path) == .readOnly)
    }

    @Test func `what passes by itself is told from what does not`() {
        let transient: [StoreError] = [
            .locked, .diskFull, .readOnly, .permissionDenied(path: "p"), .missing(path: "p"), .corrupt("x"),
            .failed("x"),
        ]
        let lasting: [StoreError] = [
            .schemaTooNew(found: 9, known: 1), .schemaTooOld(found: 0, known: 1), .notAStore(path: "p"),
            .duplicate(field: "email"), .notFound("x"), .ambiguous(["a", "b"]), .cannotSeal("x"),
        ]
        for error in transient { #expect(error.isTransient, "\(error)") }
        for error in lasting { #expect(!error.isTransient, "\(error)") }
        for error in transient + lasting { #expect(!error.description.isEmpty) }
    }
}
