import Testing

@testable import Config

@Suite struct NameChecksTests {
    @Test func `stores and limits are found by their names`() {
        let text = """
            version: 1
            listeners: { l: 127.0.0.1:1 }
            stores: { main: m.db }
            limits: { few: { by: ip, requests_per_minute: 5 } }
            auth: { a: { mode: user-keys, store: mian } }
            routes: [{ path: /a, auth: a, limits: [few, fwe, few], action: { name: me, store: man } }]

            """
        #expect(
            read(text).diagnostics.map { "\($0.keyPath): \($0.message)" } == [
                "auth.a.store: store `mian` is not defined (defined: main)",
                "routes[0].limits[1]: limit `fwe` is not defined (defined: few)",
                "routes[0].limits[2]: `few` is listed twice",
                "routes[0].action.store: store `man` is not defined (defined: main)",
            ])
    }

    @Test func `stores and limits that nobody uses are warned about`() {
        let text = """
            version: 1
            listeners: { l: 127.0.0.1:1 }
            stores: { main: m.db, idle: i.db }
            limits: { few: { by: ip, requests_per_minute: 5 }, idle: { by: ip, requests_per_minute: 5 } }
            auth: { open: { mode: none }, j: { mode: jwt, algorithms: HS256, secret: { file: k }, store: main } }
            routes: [{ path: /a, auth: open, limits: few, respond: {} }, { path: /b, auth: j, respond: {} }]

            """
        #expect(
            read(text).diagnostics.map(\.message) == [
                "store `idle` is not used by any auth entry, upstream or route",
                "limit `idle` is not used by any route",
            ])
    }
}
