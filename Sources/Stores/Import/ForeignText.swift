/// Words as other programs write them.
enum ForeignText {
    /// What no program means by yes is no: nobody comes in by a word that cannot be read.
    static func flag(_ text: String) -> Bool { ["1", "true", "t", "yes", "y"].contains(text.lowercased()) }
}
