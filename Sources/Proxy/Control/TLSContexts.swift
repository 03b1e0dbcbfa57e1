import COpenSSL
import Glibc

/// The `SSL_CTX`s towards https upstreams: one for each distinct set of settings, made when the first
/// endpoint needs it and shared by all that agree. Loading the system's authorities takes tens of
/// milliseconds, so it happens once.
final class TLSContexts {
    struct Settings: Hashable {
        /// PEM of the trusted authorities; nil: the system's.
        var ca: [UInt8]?
        var verifies: Bool
    }

    struct Failure: Error { let message: String }

    private var contexts: [Settings: TLSClientContext] = [:]

    /// - Parameter serverName: for SNI and verification, set on each connection.
    func context(_ settings: Settings, serverName: String) throws(Failure) -> TLSClientContext {
        let shared: TLSClientContext
        if let known = contexts[settings] {
            shared = known
        } else {
            shared = try TLSContexts.make(settings)
            contexts[settings] = shared
        }
        SSL_CTX_up_ref(shared.context)
        return TLSClientContext(adopting: shared.context, serverName: serverName)
    }

    /// Lets go of what no configuration asks for any more.
    func keep(only settings: Set<Settings>) {
        contexts = contexts.filter { settings.contains($0.key) }
    }

    /// What is wrong with a file of authorities; nil: nothing.
    static func problem(inAuthorities pem: [UInt8]) -> String? {
        do throws(Failure) {
            _ = try make(Settings(ca: pem, verifies: true))
            return nil
        } catch { return error.message }
    }

    private static func make(_ settings: Settings) throws(Failure) -> TLSClientContext {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw Failure(message: lastError()) }
        let owner = TLSClientContext(adopting: context, serverName: "")
        guard headgate_ctx_set_minimum_tls12(context) == 1 else { throw Failure(message: lastError()) }
        _ = headgate_ctx_set_mode(context)
        _ = headgate_ctx_cache_client_sessions(context)
        guard settings.verifies else {
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            return owner
        }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        if let pem = settings.ca {
            try trust(pem, in: context)
        } else {
            guard SSL_CTX_set_default_verify_paths(context) == 1 else { throw Failure(message: lastError()) }
        }
        return owner
    }

    private static func trust(_ pem: [UInt8], in context: OpaquePointer) throws(Failure) {
        ERR_clear_error()
        guard let source = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else {
            throw Failure(message: lastError())
        }
        defer { BIO_free(source) }
        let store = SSL_CTX_get_cert_store(context)
        var count = 0
        while let certificate = PEM_read_bio_X509(source, nil, nil, nil) {
            X509_STORE_add_cert(store, certificate)
            X509_free(certificate)
            count += 1
        }
        // Why the reason is looked at: the end of the file reads as an error as well.
        let error = ERR_peek_last_error()
        let ended = error == 0 || ERR_GET_REASON(error) == PEM_R_NO_START_LINE
        ERR_clear_error()
        guard count > 0 else { throw Failure(message: "holds no certificate in PEM form") }
        guard ended else { throw Failure(message: "certificate \(count + 1) in it is damaged") }
    }

    private static func lastError() -> String {
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(ERR_get_error(), &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
