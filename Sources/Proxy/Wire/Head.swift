/// A run of bytes inside the buffer that a head was parsed from.
struct ByteRange: Equatable {
    var start: UInt32
    var count: UInt32

    static let empty = ByteRange(start: 0, count: 0)
    var end: UInt32 { start + count }
    var isEmpty: Bool { count == 0 }
}

/// The field names that the gateway itself reads or writes, as small integers (RFC 9110 §5.1: names are
/// case-insensitive). Everything else is `.other` and passes by its bytes.
enum FieldName: UInt8, CaseIterable {
    case other
    case accept, acceptEncoding, accessControlRequestHeaders, accessControlRequestMethod
    case apiKey, authorization, connection, contentEncoding, contentLength, contentType, cookie, date
    case expect, forwarded, host, http2Settings, keepAlive, origin, proxyAuthenticate, proxyAuthorization,
        proxyConnection
    case retryAfter, server, setCookie, te, traceParent, traceState, trailer, transferEncoding, upgrade,
        userAgent, vary, via
    case xApiKey, xForwardedFor, xForwardedHost, xForwardedProto, xRequestId
}

/// One field line of a head, as offsets.
struct FieldLine: Equatable {
    var name: ByteRange
    /// Without the optional whitespace around it (RFC 9112 §5.1).
    var value: ByteRange
    var known: FieldName
    /// Hop-by-hop: must not be forwarded. Set for the fixed set (RFC 9110 §7.6.1) and for each field that
    /// `Connection` nominates, except `Host`, framing and the forwarded fields, which it cannot remove.
    var isHopByHop: Bool
}

/// How the end of a body is found (RFC 9112 §6.3).
enum BodyFraming: Equatable {
    /// No body, and nothing that could be one.
    case none
    case length(UInt64)
    case chunked
    /// Responses only: the body ends when the upstream closes.
    case untilClose

    /// For a body that may become shorter on its way.
    var withoutLength: BodyFraming {
        switch self {
        case .length: .untilClose
        case .none, .chunked, .untilClose: self
        }
    }
}

enum HTTPVersion: UInt8, Equatable {
    case http10, http11
}

/// Methods that the gateway tells apart. `.other` keeps its bytes and is forwarded as they are.
enum Method: UInt8, Equatable, CaseIterable {
    case get, head, post, put, delete, connect, options, trace, patch, other

    /// RFC 9110 §9.2.2: repeating the request has the effect of sending it once.
    var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }
}

/// What the `Connection` field of a message says (RFC 9112 §9.3), by token.
struct ConnectionOptions: OptionSet, Equatable {
    let rawValue: UInt8
    static let close = ConnectionOptions(rawValue: 1)
    static let keepAlive = ConnectionOptions(rawValue: 2)
    static let upgrade = ConnectionOptions(rawValue: 4)
}

/// A complete, valid request head as offsets into the buffer it was parsed from. Plain data: it is read and
/// forgotten within one turn of the loop, so it owns nothing.
struct RequestHead {
    var method: Method = .other
    var methodBytes = ByteRange.empty
    /// The path alone, as received: begins with `/`, or is `*` for `OPTIONS *`. Never empty: the absolute
    /// form without a path (`http://h`) has `/` written for it by giving `pathIsImplied`.
    var path = ByteRange.empty
    /// The absolute form had no path: use `/` (RFC 9112 §3.2.2).
    var pathIsImplied = false
    /// The path holds at least one percent-escape, so that matching has to decode it.
    var pathHasEscapes = false
    /// With the leading `?`; empty where there is none. A lone `?` has count 1.
    var query = ByteRange.empty
    /// `host[:port]` that the request is for: of the absolute form, else of `Host`. Empty in HTTP/1.0
    /// without `Host`.
    var authority = ByteRange.empty
    /// `authority` without the port.
    var host = ByteRange.empty
    var version: HTTPVersion = .http11
    var framing: BodyFraming = .none
    var connection: ConnectionOptions = []
    /// `Expect: 100-continue` (RFC 9110 §10.1.1) from an HTTP/1.1 client.
    var expectsContinue = false
    /// `Upgrade` names `websocket` and `Connection` names `upgrade`.
    var asksForWebSocket = false
    var fieldCount = 0
    /// Bytes of the whole head, the empty line included: where the body begins.
    var byteCount = 0

    /// RFC 9112 §9.3.
    var keepsAlive: Bool {
        switch version {
        case .http11: !connection.contains(.close)
        case .http10: connection.contains(.keepAlive) && !connection.contains(.close)
        }
    }
}

/// A complete, valid response head as offsets; see `RequestHead`.
struct ResponseHead {
    var status: UInt16 = 0
    var reason = ByteRange.empty
    var version: HTTPVersion = .http11
    /// For the request's method and this status: `.none` for HEAD, 1xx, 204, 304.
    var framing: BodyFraming = .none
    var connection: ConnectionOptions = []
    /// `Content-Type` is `text/event-stream`, parameters or not.
    var isEventStream = false
    /// `Content-Length` as declared, also where no body follows (HEAD, 304): what the writer repeats there,
    /// once.
    var declaredLength: UInt64?
    var fieldCount = 0
    var byteCount = 0

    var keepsAlive: Bool {
        switch version {
        case .http11: !connection.contains(.close)
        case .http10: connection.contains(.keepAlive) && !connection.contains(.close)
        }
    }
}

/// A complete, valid trailer section; its lines are in the `FieldTable`.
struct TrailerSection: Equatable {
    var fieldCount: Int
    /// The empty line included.
    var byteCount: Int
}

/// Why a head was refused. Each has one local reply (`LocalReply`).
enum HeadError: Error, Equatable, CaseIterable {
    /// Not a request line or status line of RFC 9112 §3, §4; a bare CR or LF; NUL.
    case startLineInvalid
    /// `HTTP/x.y` with x other than 1: 505.
    case versionUnsupported
    /// A path that two readers could read differently (dot segments plain or encoded, `%00`, a backslash,
    /// an invalid escape), a fragment, a target form that the method does not allow.
    case targetInvalid
    /// A field line that breaks RFC 9112 §5: space before the colon, obs-fold, bare CR or LF, NUL or
    /// control, empty name.
    case fieldInvalid
    case headTooLarge
    case tooManyFields
    /// No `Host` in HTTP/1.1, several, or one that is not `host[:port]`.
    case hostInvalid
    /// `Content-Length` that is not digits below 2⁶³ or several different ones.
    case lengthInvalid
    /// `Transfer-Encoding` that is not exactly one `chunked`.
    case codingUnsupported
    /// `Transfer-Encoding` together with `Content-Length`, or from HTTP/1.0 (request smuggling, RFC 9112
    /// §11.2).
    case framingConflict
    /// `CONNECT`, which a reverse proxy has no use for.
    case connectRefused
    /// `Expect` with anything but `100-continue`: 417.
    case expectationUnknown
}

/// Bounds of one head. Defaults in `ListenerConfig`.
struct HeadLimits {
    var maxBytes: Int
    /// At most `FieldTable.capacity`.
    var maxFields: Int
}

/// Room for the field lines of one head, allocated once per worker and overwritten by each parse.
struct FieldTable {
    static let capacity = 256
    let lines: UnsafeMutablePointer<FieldLine>

    init() {
        lines = .allocate(capacity: FieldTable.capacity)
        lines.initialize(
            repeating: FieldLine(name: .empty, value: .empty, known: .other, isHopByHop: false),
            count: FieldTable.capacity)
    }

    func deallocate() { lines.deallocate() }
}
