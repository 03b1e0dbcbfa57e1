/// Objects that others own, by key: found as long as somebody holds them, so that an unchanged thing is the
/// same object after a reload, and one that has gone costs nothing but its place until `sweep`.
struct Remembered<Key: Hashable, Object: AnyObject> {
    private struct Weak {
        weak var object: Object?
    }

    private var places: [Key: Weak] = [:]

    /// Places, those of objects that have gone included.
    var count: Int { places.count }

    /// Of objects that somebody holds.
    var living: [(key: Key, object: Object)] {
        places.compactMap { key, weak in weak.object.map { (key, $0) } }
    }

    subscript(_ key: Key) -> Object? {
        get { places[key]?.object }
        set { places[key] = newValue.map { Weak(object: $0) } }
    }

    /// Forgets what nobody holds any more.
    mutating func sweep() { places = places.filter { $0.value.object != nil } }
}

/// Why unchecked: Swift cannot see that only whoever may change the struct changes a weak reference in it.
extension Remembered: @unchecked Sendable where Key: Sendable, Object: Sendable {}
