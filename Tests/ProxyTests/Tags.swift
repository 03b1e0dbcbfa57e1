import Testing

extension Tag {
    /// Pure: no socket, no clock, no thread.
    @Tag static var fast: Self
}
