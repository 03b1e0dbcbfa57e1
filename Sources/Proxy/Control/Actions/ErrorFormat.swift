/// How the gateway's own errors look on one route.
struct ErrorFormat: Sendable {
    let shape: ErrorShape
    /// Member `footer`, as text; nil: none.
    let footer: String?

    init(shape: ErrorShape = .openai, footer: String? = nil) {
        self.shape = shape
        self.footer = footer
    }
}
