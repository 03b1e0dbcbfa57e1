import Config
import Stores

/// The page that shows a description to people: one HTML document that holds its script and style, and may
/// load nothing else, which its Content-Security-Policy says to the browser.
enum DocsPage {
    /// - Parameters:
    ///   - title: as text.
    ///   - openapi: path of the description.
    static func html(title: String, openapi: String) -> [UInt8] {
        let shown = escaped(title)
        let text = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(shown)</title>
            <link rel="icon" href="data:,">
            <style>\(style)</style>
            </head>
            <body data-openapi="\(escaped(openapi))">
            <a class="skip" href="#operations">To the operations</a>
            <header>
            <h1>\(shown)</h1>
            <p id="about"></p>
            <form id="credential" autocomplete="off">
            <label>Credential, for what is tried here: it stays in this page
            <input id="key" type="password" autocomplete="off" spellcheck="false"></label>
            </form>
            </header>
            <main id="operations"><p id="state" role="status">Loading…</p></main>
            <noscript><p>The page needs scripts. The description: <a href="\(escaped(openapi))">\(escaped(openapi))</a></p></noscript>
            <script>\(script)</script>
            </body>
            </html>

            """
        return Array(text.utf8)
    }

    /// Whole lines of the head. The page may run its own script and style, by their digests, and talk to its
    /// own origin; nothing else (CSP Level 3).
    static let fields: [UInt8] = Array(
        """
        Content-Type: text/html; charset=utf-8\r
        Content-Security-Policy: default-src 'none'; script-src '\(digest(script))'; style-src '\(digest(style))'; \
        connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r
        X-Content-Type-Options: nosniff\r
        Referrer-Policy: no-referrer\r
        Cache-Control: no-cache\r

        """.utf8)

    private static func digest(_ text: String) -> String { "sha256-" + base64(sha256(Array(text.utf8))) }

    /// RFC 4648 §4: with another alphabet and padding than tokens have.
    private static func base64(_ bytes: [UInt8]) -> String {
        let text = String(decoding: Base64URL.encode(bytes), as: UTF8.self).replacing("-", with: "+")
            .replacing("_", with: "/")
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
